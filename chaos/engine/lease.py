"""The right to something: one machine has it at a time, and loses it where it does not renew it.

It is an entry of a shared store, changed by conditional writes only. Clocks of machines differ: a
lease that seems to have ended is watched for longer than its holder takes to renew it, and taken
over only if it was not.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace

from chaos.aws.shared_store import Conflict, Entry, SharedStore
from chaos.engine.clock import Clock
from chaos.engine.lock import Note

LASTS = 30.0
"""Seconds for which a lease is had without being renewed."""

RENEW_EVERY = 5.0
"""Seconds between two renewals."""

UNSURE_AFTER = 20.0
"""Seconds without a renewal after which the holder no longer counts on having it."""

WATCH = 7.0
"""Seconds that a lease which seems to have ended is watched; its holder would have renewed it."""


class Taken(Exception):
    """Somebody else has it."""

    def __init__(self, holder: Note | None) -> None:
        super().__init__(f"run {holder.text} by {holder.by}" if holder else "somebody else")
        self.holder = holder


@dataclass(frozen=True, slots=True)
class _Claim:
    """What the entry says."""

    holder: Note
    token: str
    """Known to its holder alone: tells our own write from another's."""
    renewed_at: float
    """By the holder's clock; seconds since the epoch. 0 where it was given back."""

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, entry: Entry | None) -> _Claim | None:
        """None where nobody can be told from it."""
        try:
            said = json.loads(entry.text) if entry else {}
            return cls(Note(**said.pop("holder")), **said)
        except (ValueError, TypeError, KeyError):
            return None


class Lease:
    """One lease; every method may raise `StoreFailed`."""

    def __init__(self, store: SharedStore, folder: str, name: str, clock: Clock) -> None:
        self._store = store
        self._folder = folder
        self._name = name
        self._clock = clock
        self._token = uuid.uuid4().hex
        self._mine: _Claim | None = None
        self._version: str | None = None
        self.renewed_at = 0.0
        """When it was known last to be had; seconds since the epoch."""

    def acquire(self, holder: Note) -> None:
        """Have it from now on; to be renewed.

        Raises:
            Taken: somebody else has it.
        """
        entry = self._read()
        self._refuse_taken(entry)
        claim = _Claim(holder, self._token, self._clock.now())
        try:
            self._write(claim, entry.version if entry else None)
        except Conflict:
            self._adopt(self._read())

    def renew(self) -> None:
        """Have it for longer.

        Raises:
            Taken: somebody else has it, or nobody.
        """
        if self._mine is None:
            return
        now = self._clock.now()
        try:
            self._write(replace(self._mine, renewed_at=now), self._version)
        except Conflict:
            self._adopt(self._read())

    def give_back(self) -> None:
        """Let another have it at once; nothing is done where it is had no longer."""
        if self._mine is not None:
            gone, self._mine = replace(self._mine, renewed_at=0.0), None
            try:
                self._store.write(self._folder, self._name, gone.to_text(), self._version)
            except Conflict:
                return

    def holder(self) -> Note | None:
        """Who has it now, as far as our clock tells; None where nobody has it."""
        claim = _Claim.read(self._read())
        return claim.holder if claim is not None and self._is_fresh(claim) else None

    def _refuse_taken(self, entry: Entry | None) -> None:
        claim = _Claim.read(entry)
        if entry is None or claim is None or claim.renewed_at == 0:
            return
        if self._is_fresh(claim):
            raise Taken(claim.holder)
        until = self._clock.now() + WATCH
        while self._clock.now() < until:
            self._clock.sleep(until - self._clock.now())
        seen = self._read()
        if seen is None or seen.version != entry.version:
            raise Taken(claim.holder)

    def _is_fresh(self, claim: _Claim) -> bool:
        return self._clock.now() < claim.renewed_at + LASTS

    def _write(self, claim: _Claim, expected: str | None) -> None:
        self._version = self._store.write(self._folder, self._name, claim.to_text(), expected)
        self._mine, self.renewed_at = claim, claim.renewed_at

    def _adopt(self, entry: Entry | None) -> None:
        """After a conflict: it may be our own write, made twice because its answer was lost."""
        claim = _Claim.read(entry)
        if entry is None or claim is None or claim.token != self._token:
            self._mine = None
            raise Taken(claim.holder if claim else None)
        self._mine, self._version, self.renewed_at = claim, entry.version, claim.renewed_at

    def _read(self) -> Entry | None:
        return self._store.read(self._folder, self._name)


@contextmanager
def beating(beat: Callable[[], None], every: float) -> Iterator[None]:
    """Call `beat`, which must not raise, again and again from a thread of its own."""
    ended = threading.Event()

    def go_on() -> None:
        while not ended.wait(every):
            beat()

    thread = threading.Thread(target=go_on, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(RENEW_EVERY)
