"""A small HTTP server of known behaviour: the truth that the load room is measured against.

Every path is answered at once with its own name, but `/error` with 500, `/hang` never, `/drip` with
a byte every 0.1 s, `/half` with the beginning only, and `/spread` after a time of known
distribution. While the server stalls it answers nothing; then it answers all that has come. It can
be given troubles to have at known times. Run as a program it prints its port, and for each line it
reads how many requests it has seen.
"""

from __future__ import annotations

import asyncio
import math
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trouble:
    """A stretch of time in which the server does not do well."""

    start: float
    """Seconds after the whole second in which the first request came."""
    seconds: float
    stalls: bool = False
    """It answers at the end of the trouble; else at once, with 500."""

    def covers(self, moment: float) -> bool:
        """Whether it is going on, so many seconds after the beginning."""
        return self.start <= moment < self.start + self.seconds


class KnownServer:
    """Serves on 127.0.0.1, on a port of its own, in a thread of its own."""

    def __init__(self) -> None:
        self.port = 0
        self.served: Counter[str] = Counter()
        """Requests that came, by path."""
        self._loop = asyncio.new_event_loop()
        self._stalled_until = 0.0
        self._troubles: tuple[Trouble, ...] = ()
        self.began_at: int | None = None
        """The second in which the first request came since `play`, but for those to `/health`."""
        self.delays: list[float] = []
        """Seconds that answers to `/spread` were held back."""

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

    def play(self, *troubles: Trouble) -> None:
        """Have these troubles, counted from the next request on; `/health` shows only errors."""
        self.delays.clear()
        self.began_at, self._troubles = None, troubles

    def treat(self, path: str) -> tuple[float, bool]:
        """Seconds until the answer to a request may go out, and whether it is an error."""
        self.served[path] += 1
        now = time.time()
        if self.began_at is None and path != "/health":
            self.began_at = math.floor(now)
        moment = now - (self.began_at or now)
        trouble = next((one for one in self._troubles if one.covers(moment)), None)
        delay = max(0.0, self._stalled_until - self._loop.time())
        if path == "/spread":
            delay += self._spread()
        if trouble and trouble.stalls and path != "/health":
            delay += trouble.start + trouble.seconds - moment
        return delay, path == "/error" or bool(trouble and not trouble.stalls)

    def _spread(self) -> float:
        """0.1 s and an exponential time of mean 0.1 s: its quantiles in an order without chance."""
        number, share, digit = len(self.delays) + 1, 0.0, 0.5
        while number:  # The van der Corput sequence: every prefix of it is spread evenly.
            number, bit = divmod(number, 2)
            share, digit = share + bit * digit, digit / 2
        self.delays.append(0.1 - 0.1 * math.log1p(-share))
        return self.delays[-1]


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
        delay, is_error = self._server.treat(path)
        if path == "/hang":
            return
        if delay:
            asyncio.get_running_loop().call_later(delay, self._answer, path, is_error)
        else:
            self._answer(path, is_error)

    def _answer(self, path: str, is_error: bool) -> None:
        body = path.encode() * (100 if path == "/drip" else 1)
        status = "500 Internal Server Error" if is_error else "200 OK"
        server = f"X-Served-Zone: here\r\nX-Served-By: {self._server.port}\r\n"
        length = f"Content-Length: {len(body)}\r\n"
        head = f"HTTP/1.1 {status}\r\n{server}{length}\r\n".encode()
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
