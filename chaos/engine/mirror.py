"""A copy of a run's journal in a shared store, so that another machine can recover the run.

Each line is an entry, sent in order beside the run, after it has reached the disk. What
announces a change waits until its line, and all before it, are in the copy; what follows a change
waits for nothing, so that no store keeps a fault from being undone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from chaos.aws.shared_store import SharedStore, StoreFailed
from chaos.engine.clock import Clock
from chaos.engine.courier import Courier
from chaos.engine.environment import OpenEnvironment
from chaos.engine.journal import (
    AnyRecord,
    FileJournal,
    Journal,
    Noted,
    RunEnded,
    announces_a_change,
    line_of,
)
from chaos.engine.lease import RENEW_EVERY, Lease, Taken, beating
from chaos.engine.lock import Note, slug
from chaos.measure.run import Ending
from chaos.model.problems import Refused

SENT_WITHIN = 5.0
"""Seconds that the copy may take before a change is made; then it is not made."""


@dataclass(frozen=True)
class Place:
    """Where the copies of one environment's journals are."""

    store: SharedStore
    environment: str
    """What tells it from any other."""

    def open_runs(self) -> list[str]:
        """The ids of the runs that are not known to have put everything back."""
        return list(self.store.list(self.runs))

    def bring_down(self, run_id: str, directory: Path) -> None:
        """Have the run's journal in the directory, with all that is in the copy and not there."""
        directory.mkdir(parents=True, exist_ok=True)
        lines = self.store.list(self.journal(run_id))
        with closing(FileJournal(directory)) as local:
            for line in list(lines.values())[local.lines :]:
                local.write_line(line.encode() + b"\n")

    def alive(self, run_id: str, clock: Clock) -> Lease:
        """What a run has for as long as it, or its recovery, goes on."""
        return Lease(self.store, self.living, run_id, clock)

    @property
    def living(self) -> str:
        """The folder with a lease for each run that goes on."""
        return f"alive/{slug(self.environment)}"

    @property
    def runs(self) -> str:
        """The folder with an entry for each open run."""
        return f"runs/{slug(self.environment)}"

    def journal(self, run_id: str) -> str:
        """The folder with an entry for each line of the run's journal."""
        return f"journals/{slug(self.environment)}/{run_id}"


class Mirror:
    """The copy of one run's journal, as long as the run or its recovery goes on."""

    def __init__(
        self, place: Place, run_id: str, clock: Clock, warn: Callable[[str], None]
    ) -> None:
        """`warn` is told, a line each, what the user should know."""
        self._place = place
        self._run_id = run_id
        self._clock = clock
        self._warn = warn
        self._lease = place.alive(run_id, clock)
        self._taken_by = ""

    @contextmanager
    def alive(self, holder: Note) -> Iterator[None]:
        """Be seen as alive from other machines, and found there should this one be gone.

        Raises:
            Refused: the run is alive, or is being recovered, on another machine.
            StoreFailed: the store cannot be used.
        """
        try:
            self._lease.acquire(holder)
        except Taken as taken:
            raise Refused(f"run {self._run_id} is alive, or being recovered: {taken}") from None
        try:
            self._place.store.put(self._place.runs, self._run_id, holder.to_text())
            with beating(self.beat, RENEW_EVERY):
                yield
        finally:
            with suppress(StoreFailed):  # it ends by itself
                self._lease.give_back()

    @contextmanager
    def following(self, local: FileJournal) -> Iterator[Journal]:
        """A journal that writes to `local`, and then to the copy.

        Where all is back at its end, and the copy says so, no other machine finds it any more.
        """
        courier = Courier(self._send, self._warn)
        journal = _MirroredJournal(local, courier)
        try:
            yield journal
        finally:
            trouble = courier.close() or (self.forget() if journal.nothing_is_open else "")
            if trouble:
                text = f"the copy of the journal is not whole: {trouble}"
                with suppress(OSError):
                    local.write(Noted(at=self._clock.now(), about="error", text=text))

    def stop_requested(self) -> str | None:
        """Why the run should end: it was taken for dead, and another machine recovers it."""
        return f"the run is being recovered by {self._taken_by}" if self._taken_by else None

    def beat(self) -> None:
        """What is done every few seconds beside the run; never raises."""
        try:
            self._lease.renew()
        except Taken as taken:
            self._taken_by = taken.holder.by if taken.holder else "somebody else"
        except Exception:  # noqa: BLE001 - sending lines fails as well, and is told
            return

    def _send(self, number: int, line: bytes) -> None:
        text = line.decode().removesuffix("\n")
        self._place.store.put(self._place.journal(self._run_id), f"{number:06d}", text)

    def forget(self) -> str:
        """Nothing of the run is open: let no other machine find it. What went wrong, in words."""
        try:
            self._place.store.delete(self._place.runs, self._run_id)
        except StoreFailed as error:
            return str(error)
        return ""


class _MirroredJournal:
    """Writes to disk, and then to the copy."""

    def __init__(self, local: FileJournal, courier: Courier) -> None:
        self._local = local
        self._courier = courier
        self.nothing_is_open = False

    def write(self, record: AnyRecord) -> None:
        number = self._local.lines
        line = line_of(record, number)
        self._local.write_line(line)
        self._courier.send(number, line)
        if isinstance(record, RunEnded):
            self.nothing_is_open = record.ending is not Ending.ROLLBACK_INCOMPLETE
        if announces_a_change(record):
            self._courier.await_sent(SENT_WITHIN)


def mirror_of(
    environment: OpenEnvironment, run_id: str, clock: Clock, warn: Callable[[str], None]
) -> Mirror | None:
    """The copy of a run's journal, where the environment has one."""
    place = place_of(environment)
    return Mirror(place, run_id, clock, warn) if place else None


def place_of(environment: OpenEnvironment) -> Place | None:
    """Where the copies of the environment's journals are; None where it has none."""
    store = environment.mirror_store
    return Place(store, environment.identity) if store is not None else None


@contextmanager
def open_journal(directory: Path, mirror: Mirror | None) -> Iterator[Journal]:
    """The journal in the directory, followed by its copy where there is one.

    Raises:
        OSError: it cannot be written.
    """
    with closing(FileJournal(directory)) as local:
        if mirror is None:
            yield local
        else:
            with mirror.following(local) as journal:
                yield journal
