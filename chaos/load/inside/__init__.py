"""What runs inside Locust.

In each process that makes load there is one `Agent`: it records requests, and in the open model
releases arrivals. In the process that the engine started there is one `Controller`: it passes the
engine's words to the agents and what they recorded to the engine. They speak through Locust's own
messages, which Locust's local runner delivers within the process, so that one process, several, and
workers on other machines are the same code.
"""
