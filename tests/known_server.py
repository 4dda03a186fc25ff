"""A small HTTP server of known behaviour: the truth that the load room is measured against.

Every path is answered at once with its own name, but `/error` with 500, `/hang` never, `/drip` with
a byte every 0.1 s, and `/half` with the beginning only. While the server stalls it answers nothing;
then it answers all that has come. Run as a program it prints its port, and for each line it reads
how many requests it has seen.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class KnownServer:
    """Serves on 127.0.0.1, on a port of its own, in a thread of its own."""

    def __init__(self) -> None:
        self.port = 0
        self.served: Counter[str] = Counter()
        """Requests that came, by path."""
        self._loop = asyncio.new_event_loop()
        self._stalled_until = 0.0

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.port}"

    def stall(self, seconds: float) -> None:
        """Answer nothing for that long."""
        self._stalled_until = self._loop.time() + seconds

    async def listen(self) -> None:
        """Open the port."""
        server = await self._loop.create_server(lambda: _Connection(self), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]

    def delay(self) -> float:
        """Seconds until an answer may go out."""
        return max(0.0, self._stalled_until - self._loop.time())


class _Connection(asyncio.Protocol):
    """One connection; its requests are answered in turn."""

    def __init__(self, server: KnownServer) -> None:
        self._server = server
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer once a request is complete."""
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found or len(body) < _content_length(head):
            return
        self._received = b""
        path = head.split(b" ", 2)[1].decode()
        self._server.served[path] += 1
        if path == "/hang":
            return
        delay = self._server.delay()
        if delay:
            asyncio.get_running_loop().call_later(delay, self._answer, path)
        else:
            self._answer(path)

    def _answer(self, path: str) -> None:
        body = path.encode() * (100 if path == "/drip" else 1)
        status = "500 Internal Server Error" if path == "/error" else "200 OK"
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        assert self._transport
        if self._transport.is_closing():
            return
        if path == "/drip":
            self._transport.write(head)
            self._drip(body)
        elif path == "/half":
            self._transport.write(head + body[:2])
        else:
            self._transport.write(head + body)

    def _drip(self, body: bytes) -> None:
        assert self._transport
        if body and not self._transport.is_closing():
            self._transport.write(body[:1])
            asyncio.get_running_loop().call_later(0.1, self._drip, body[1:])


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


@contextmanager
def running() -> Iterator[KnownServer]:
    """A server while the block lasts."""
    server = KnownServer()
    loop = server._loop
    loop.run_until_complete(server.listen())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


if __name__ == "__main__":
    with running() as program:
        sys.stdout.write(f"{program.port}\n")
        sys.stdout.flush()
        for _line in sys.stdin:
            sys.stdout.write(f"{program.served.total()}\n")
            sys.stdout.flush()
