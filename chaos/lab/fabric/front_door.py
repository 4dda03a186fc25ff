"""The address that clients use: it hands each new connection to one of several links in turn."""

from __future__ import annotations

import socket

from chaos.lab.fabric.condition import Mode
from chaos.lab.fabric.connection import reset
from chaos.lab.fabric.link import Link
from chaos.lab.fabric.listener import Listener


class FrontDoor:
    """Round robin over links, leaving out those whose destination cannot be reached."""

    def __init__(self) -> None:
        self._links: list[Link] = []
        self._next = 0
        self._listener = Listener(self._enter)

    @property
    def port(self) -> int:
        """The port on 127.0.0.1 that clients connect to."""
        return self._listener.port

    def lead_to(self, links: list[Link]) -> None:
        """Send new connections to these links from now on."""
        self._links = links

    def _enter(self, raw: socket.socket) -> None:
        self._next += 1
        turn = self._next % max(1, len(self._links))
        self._try(raw, [*self._links[turn:], *self._links[:turn]])

    def _try(self, raw: socket.socket, links: list[Link]) -> None:
        if not links:
            reset(raw)
            raw.close()
            return
        first, *rest = links
        if first.condition.mode is Mode.DROP:
            self._try(raw, rest)
        else:
            first.relay(raw, lambda refused: self._try(refused, rest))
