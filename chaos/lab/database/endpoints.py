"""The databases' addresses, which stay while what answers there changes, as AWS's names do.

An endpoint is one port of 127.0.0.1. As that has no zones, each EC2 instance has a port of its own
for it, so that the network knows where a caller stands; it finds in its environment how it reaches
the endpoint of `shop-db`, as `SHOP_DB_ENDPOINT`. Whoever uses the port that the API shows counts as
coming from the internet.
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Mapping, Sequence

from chaos.lab.fabric.condition import LinkName
from chaos.lab.network import Network
from chaos.lab.place import CLIENTS, Place

_OUTSIDE = "database callers outside"

_OBSERVER = 3
"""The address of a subnet, counted from its first, at which the service itself stands: AWS keeps
it for itself and gives it to nobody."""


class Endpoints:
    """All endpoints, and the components that they can lead to; safe to use from several threads."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._lock = threading.RLock()
        self._servers: dict[str, int] = {}
        self._led_to: dict[str, tuple[str, ...]] = {}
        self._ports: dict[tuple[str, str], int] = {}
        self._users = [_OUTSIDE]
        self._observers: dict[str, str] = {}
        network.place(_OUTSIDE, CLIENTS)

    def admit(self, instance_id: str) -> Mapping[str, str]:
        """Let an instance in, and return the variables by which it finds the way."""
        with self._lock:
            if instance_id not in self._users:
                self._users.append(instance_id)
                self._link(instance_id)
                for name in self._led_to:
                    self._open_door(name, instance_id)
            return {
                _variable(name): f"127.0.0.1:{self._ports[name, instance_id]}"
                for name in self._led_to
            }

    def dismiss(self, instance_id: str) -> None:
        """Let an instance that is no more in no longer; its links go with it."""
        with self._lock:
            if instance_id in self._users:
                self._users.remove(instance_id)
                for name in self._led_to:
                    self._close_door(name, instance_id)

    def observe_from(self, subnet: str, block: str) -> None:
        """Have an observer in a subnet; nothing happens if there is one."""
        with self._lock:
            if subnet not in self._observers:
                observer = self._observers[subnet] = f"database observer in {subnet}"
                address = str(ipaddress.ip_network(block)[_OBSERVER])
                self._network.place(observer, Place(address, subnet))
                self._link(observer)

    def add_server(self, component: str, place: Place, port: int) -> None:
        """Make a server known that listens at that port of 127.0.0.1."""
        with self._lock:
            self._network.place(component, place)
            self._servers[component] = port
            for source in (*self._users, *self._observers.values()):
                self._network.open(source, component, port)

    def remove_server(self, component: str) -> None:
        """Forget a server; no endpoint must lead to it any more."""
        with self._lock:
            del self._servers[component]
            self._network.remove(component)

    def open(self, name: str) -> int:
        """Open an endpoint that leads nowhere yet; returns its port of 127.0.0.1."""
        with self._lock:
            self._led_to[name] = ()
            for user in self._users:
                self._open_door(name, user)
            return self._ports[name, _OUTSIDE]

    def lead(self, name: str, servers: Sequence[str]) -> None:
        """Let an endpoint lead to these servers from now on, in turn."""
        with self._lock:
            self._led_to[name] = tuple(servers)
            for user in self._users:
                self._lead(name, user)

    def close(self, name: str) -> None:
        """Close an endpoint; connections that are through stay."""
        with self._lock:
            del self._led_to[name]
            for user in self._users:
                self._close_door(name, user)

    def ways_to(self, server: str, besides: str | None) -> list[int]:
        """The ports by which the observers of all subnets but one reach a server."""
        with self._lock:
            observers = [one for subnet, one in self._observers.items() if subnet != besides]
            ports = [self._network.port_of(one, server) for one in observers]
            return [port for port in ports if port is not None]

    def _link(self, source: str) -> None:
        for component, port in self._servers.items():
            self._network.open(source, component, port)

    def _open_door(self, name: str, user: str) -> None:
        self._ports[name, user] = self._network.open_door(_door(name, user))
        self._lead(name, user)

    def _close_door(self, name: str, user: str) -> None:
        del self._ports[name, user]
        self._network.close_door(_door(name, user))

    def _lead(self, name: str, user: str) -> None:
        links = [LinkName(user, server) for server in self._led_to[name]]
        self._network.lead(_door(name, user), links)


def _variable(name: str) -> str:
    return "".join(char if char.isalnum() else "_" for char in name).upper() + "_ENDPOINT"


def _door(name: str, user: str) -> str:
    return f"{user}>{name}"
