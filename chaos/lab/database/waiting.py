"""Waiting for what nobody announces."""

from __future__ import annotations

import asyncio
import subprocess
import time


async def exit_of(process: subprocess.Popen[bytes], within: float = float("inf")) -> int | None:
    """The exit status of a process; None if it has not ended in so many seconds."""
    deadline = time.monotonic() + within
    while (status := process.poll()) is None and time.monotonic() < deadline:  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0.01)
    return status
