"""The lab: a small AWS region on this machine, with real processes behind its API.

Other rooms use `chaos.lab.handle` and `chaos.lab.settings` only; all else runs in the lab's own
processes. Which process does what is told in `docs/lab.md`.
"""
