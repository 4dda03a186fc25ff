"""Shared stores for tests: one in memory that can be told to fail, and those in an empty moto."""

from __future__ import annotations

import threading
from collections.abc import Callable

from chaos.aws.clients import BotoClients
from chaos.aws.shared_store import Conflict, Entry, SharedStore, StoreFailed, open_store
from chaos.model.shared_place import parse_shared_place


class MemoryStore:
    """As S3 and DynamoDB behave, in memory."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], Entry] = {}
        self.fails: Callable[[str, str], bool] = lambda _folder, _name: False
        """Whether a call about that entry is refused; of a listing, the name is empty."""
        self.loses_answers = False
        """Writes have their effect, but are made again, as after a lost answer."""
        self._count = 0
        self._lock = threading.Lock()

    def copy(self) -> MemoryStore:
        """As it is now, and stays."""
        other = MemoryStore()
        with self._lock:
            other.entries = dict(self.entries)
        return other

    def read(self, folder: str, name: str) -> Entry | None:
        self._maybe_fail(folder, name)
        return self.entries.get((folder, name))

    def write(self, folder: str, name: str, text: str, expected: str | None) -> str:
        self._maybe_fail(folder, name)
        with self._lock:
            there = self.entries.get((folder, name))
            if (there.version if there else None) != expected:
                raise Conflict
            version = self._keep(folder, name, text)
        if self.loses_answers:
            raise Conflict
        return version

    def put(self, folder: str, name: str, text: str) -> None:
        self._maybe_fail(folder, name)
        with self._lock:
            self._keep(folder, name, text)

    def delete(self, folder: str, name: str) -> None:
        self._maybe_fail(folder, name)
        with self._lock:
            self.entries.pop((folder, name), None)

    def list(self, folder: str) -> dict[str, str]:
        self._maybe_fail(folder, "")
        with self._lock:
            found = {name: e.text for (of, name), e in self.entries.items() if of == folder}
        return dict(sorted(found.items()))

    def _keep(self, folder: str, name: str, text: str) -> str:
        self._count += 1
        self.entries[folder, name] = Entry(text, str(self._count))
        return str(self._count)

    def _maybe_fail(self, folder: str, name: str) -> None:
        if self.fails(folder, name):
            raise StoreFailed("memory: refused")


def make_place(text: str, clients: BotoClients) -> None:
    """The bucket or the table, as a user would make it."""
    place = parse_shared_place(text)
    if place.kind == "s3":
        clients.client("s3").create_bucket(Bucket=place.name)
        return
    keys = {"folder": "HASH", "name": "RANGE"}
    clients.client("dynamodb").create_table(
        TableName=place.name,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()],
        BillingMode="PAY_PER_REQUEST",
    )


def made_store(text: str, clients: BotoClients) -> SharedStore:
    """A store in an empty account."""
    make_place(text, clients)
    return open_store(parse_shared_place(text), clients)
