"""One run per environment on whatever machine, and a way to stop it from any of them.

The lock is a lease in a shared store, renewed beside the run. Requests to stop and the kill switch
are entries of the same store, looked at every second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from chaos.aws.shared_store import SharedStore, StoreFailed
from chaos.engine.clock import Clock
from chaos.engine.environment import OpenEnvironment
from chaos.engine.lease import LASTS, RENEW_EVERY, UNSURE_AFTER, Lease, Taken, beating
from chaos.engine.lock import (
    KILL_SWITCH,
    AllOf,
    LocalLock,
    Lock,
    Note,
    refuse_while_killed,
    slug,
)
from chaos.model.problems import EnvironmentTaken

LOCKS = "locks"
"""The folder with a lease for each environment."""

STOPS = "stops"
"""The folder with the requests to stop, by environment, and the kill switch."""

LOOK_EVERY = 1.0
"""Seconds between two looks for a request to stop."""


def lock_of(environment: OpenEnvironment, clock: Clock, warn: Callable[[str], None]) -> Lock:
    """The lock of an environment: on this machine, and across machines where it says so."""
    local = LocalLock(environment.identity)
    if environment.lock_store is None:
        return local
    return AllOf(local, SharedLock(environment.lock_store, environment.identity, clock, warn))


class SharedLock:
    """A lock among machines; made to be used once."""

    def __init__(
        self, store: SharedStore, environment: str, clock: Clock, warn: Callable[[str], None]
    ) -> None:
        """`warn` is told, a line each, what the user should know while the lock is held."""
        self._store = store
        self.environment = environment
        self._name = slug(environment)
        self._clock = clock
        self._warn = warn
        self._lease = Lease(store, LOCKS, self._name, clock)
        self._renew_at = 0.0
        self._lost = ""
        self._stop: str | None = None
        self._trouble = ""

    @contextmanager
    def held(self, holder: Note) -> Iterator[None]:
        """See `Lock`.

        Raises:
            EnvironmentTaken: another run has it.
            Refused: the kill switch is on.
            StoreFailed: the store cannot be used.
        """
        refuse_while_killed(self._requests().get(KILL_SWITCH))
        try:
            self._lease.acquire(holder)
        except Taken as taken:
            message = f"another run is going on in {self.environment}: {taken}"
            hint = f"chaos stop ends it; if its machine is gone, so is the lock after {LASTS:.0f} s"
            raise EnvironmentTaken(f"{message}; {hint}") from None
        self._renew_at = self._clock.now() + RENEW_EVERY
        try:
            self._store.delete(STOPS, self._name)
            with beating(self.beat, LOOK_EVERY):
                yield
        finally:
            self._give_back()

    def stop_requested(self) -> str | None:
        """See `Lock`; a lock that is lost, or may soon be, is a reason, too."""
        unsure = self._clock.now() - self._lease.renewed_at
        if self._lost:
            return f"the lock was lost to {self._lost}"
        if unsure > UNSURE_AFTER:
            return f"the lock could not be renewed for {unsure:.0f} s{self._trouble}"
        return self._stop

    def beat(self) -> None:
        """What is done every second beside the run; never raises."""
        try:
            if self._clock.now() >= self._renew_at:
                self._renew_at = self._clock.now() + RENEW_EVERY
                self._lease.renew()
            requests = self._requests()
        except Taken as taken:
            self._lost = str(taken)
        except Exception as error:  # noqa: BLE001 - tried again until the lease ends
            if not self._trouble:
                self._warn(f"the lock cannot be renewed just now: {error}")
            self._trouble = f": {error}"
        else:
            self._trouble = ""
            asked = requests.get(self._name) or requests.get(KILL_SWITCH)
            self._stop = asked.as_reason() if asked else None

    def holder(self) -> Note | None:
        """See `Stoppable`."""
        return self._lease.holder()

    def request_stop(self, note: Note) -> None:
        """See `Stoppable`; the run looks every second."""
        self._store.put(STOPS, self._name, note.to_text())

    def turn_kill_switch_on(self, note: Note) -> None:
        """End every run that has its lock in this store, and let none begin."""
        self._store.put(STOPS, KILL_SWITCH, note.to_text())

    def turn_kill_switch_off(self) -> bool:
        """Let runs begin again; whether it was on."""
        was_on = KILL_SWITCH in self._requests()
        self._store.delete(STOPS, KILL_SWITCH)
        return was_on

    def _requests(self) -> dict[str, Note]:
        notes = {name: Note.from_text(text) for name, text in self._store.list(STOPS).items()}
        return {name: note for name, note in notes.items() if note is not None}

    def _give_back(self) -> None:
        try:
            self._lease.give_back()
            self._store.delete(STOPS, self._name)
        except StoreFailed as error:
            self._warn(f"the lock could not be given back, and ends by itself: {error}")
