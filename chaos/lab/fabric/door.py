"""An address that stands for a name: what it leads to can change, as a DNS answer does."""

from __future__ import annotations

import asyncio
import socket

from chaos.lab.fabric.connection import reset
from chaos.lab.fabric.link import Link
from chaos.lab.fabric.listener import Listener


class Door:
    """Hands each new connection to one of the links that the name means to its caller.

    A caller (a source address) keeps an answer for `ttl` seconds, as its machine's resolver would,
    and its connections take the links of the answer in turn. One that is refused is tried with the
    answer's next link, as clients do; one that hangs, hangs. An answer is all there is until it
    has expired: also where its links lead nowhere any more.
    """

    def __init__(self, ttl: float) -> None:
        self._ttl = ttl
        self._loop = asyncio.get_running_loop()
        self._links: tuple[Link, ...] = ()
        self._answers: dict[str, tuple[float, tuple[Link, ...]]] = {}
        """What each caller was told, and until when it keeps that."""
        self._turn = 0
        self._listener = Listener(self._enter)

    @property
    def port(self) -> int:
        """The port on 127.0.0.1 that callers connect to."""
        return self._listener.port

    def lead_to(self, links: list[Link]) -> None:
        """Answer so from now on; none at all refuses every caller."""
        self._links = tuple(links)

    def close(self) -> None:
        """Answer nobody any more; connections that are through stay."""
        self._listener.close()

    def _enter(self, raw: socket.socket) -> None:
        try:
            caller = raw.getpeername()[0]
        except OSError:  # It has gone already.
            raw.close()
            return
        links = self._answer_for(caller)
        self._turn += 1
        turn = self._turn % max(1, len(links))
        self._try(raw, [*links[turn:], *links[:turn]])

    def _answer_for(self, caller: str) -> tuple[Link, ...]:
        now = self._loop.time()
        expires_at, links = self._answers.get(caller, (0.0, ()))
        if expires_at <= now:
            links = self._links
            self._answers[caller] = now + self._ttl, links
        return links

    def _try(self, raw: socket.socket, links: list[Link]) -> None:
        if not links:
            reset(raw)
            raw.close()
            return
        first, *rest = links
        first.relay(raw, lambda refused: self._try(refused, rest))
