"""Whether a PostgreSQL server answers, asked as cheaply as its protocol allows."""

from __future__ import annotations

import asyncio
import contextlib
import struct

_SSL_REQUEST = struct.pack("!II", 8, 80877103)
"""Length and code; a server that lives says with one byte whether it speaks TLS."""


async def answers(port: int, within: float) -> bool:
    """Whether a server behind that port of 127.0.0.1 answers within so many seconds."""
    try:
        async with asyncio.timeout(within):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(_SSL_REQUEST)
                return bool(await reader.read(1))
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    writer.transport.abort()
    except (OSError, TimeoutError):
        return False
