"""Load: Locust as a subprocess, driven from outside and recorded from inside.

Outside, in the engine's process: `driver` (the seam), `process`, `ledger`, `complaint`.
Inside Locust: everything under `inside`, brought in by the extra Locust file under `hook`.
Both sides know `settings`, `arrivals` and `channel`. Locust is never imported outside: importing it
replaces the standard library's sockets and threads in the whole process.
"""
