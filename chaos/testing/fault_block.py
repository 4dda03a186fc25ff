"""A fault around ordinary test code."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from types import TracebackType

import pytest

from chaos.api import Controls, run_experiment
from chaos.engine.fault import FaultState
from chaos.engine.journal import Captured, read_journal
from chaos.engine.observer import Status
from chaos.interrupting import unwinding
from chaos.measure.run import Ending
from chaos.model.loading import LoadedExperiment
from chaos.model.problems import ChaosError
from chaos.testing.outcome import note_run, stop_if_broken
from chaos.testing.running import SessionObserver, plan_for, run_options
from chaos.testing.session import ChaosSession

_BEFORE = {FaultState.WAITING, FaultState.INJECTING}


@dataclass(frozen=True, slots=True)
class ActiveFault:
    """A fault that AWS has confirmed."""

    targets: tuple[str, ...]
    """Ids of the resources it hits."""
    directory: Path
    """Where its run is written."""


class _Watcher(SessionObserver):
    """Sees when nothing is left to be injected."""

    def __init__(self, session: ChaosSession) -> None:
        super().__init__(session)
        self.settled = Event()

    def status(self, status: Status) -> None:
        super().status(status)
        if not {state for _, state in status.faults} & _BEFORE:
            self.settled.set()


class FaultBlock(AbstractContextManager[ActiveFault]):
    """An ordinary run of some faults, in a thread of its own; they last as long as the block does.

    So there are a run's lock, journal, undo and dead man's switch, and it heeds `chaos stop`.
    """

    def __init__(self, item: pytest.Item, session: ChaosSession, loaded: LoadedExperiment) -> None:
        self._item = item
        self._session = session
        self._loaded = loaded
        self._controls = Controls()
        self._watcher = _Watcher(session)

    def __enter__(self) -> ActiveFault:
        __tracebackhide__ = True
        if self._session.options.dry_run:
            plan_for(self._item, self._session, self._loaded)
        try:
            self._start()
            trouble = self._await_injection()
        except ChaosError as error:
            raise pytest.fail.Exception(str(error)) from None
        if trouble:
            pytest.fail(trouble)
        return self._active()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        __tracebackhide__ = True
        trouble = self._end()
        if trouble and error is None:
            pytest.fail(trouble)
        elif trouble and error is not None:
            error.add_note(trouble)

    def _start(self) -> None:
        with ExitStack() as opened:
            opened.enter_context(unwinding())
            self._environment = opened.enter_context(self._session.environment())
            thread = opened.enter_context(ThreadPoolExecutor(1, "fault"))
            opened.callback(self._controls.end_faults)
            self._run = thread.submit(
                run_experiment,
                self._loaded,
                self._environment,
                self._watcher,
                run_options(self._session),
                self._controls,
            )
            self._run.add_done_callback(lambda _: self._watcher.settled.set())
            self._opened = opened.pop_all()

    def _await_injection(self) -> str | None:
        """Wait until the faults are there; what went wrong, where they never are."""
        try:
            self._watcher.settled.wait()
        except KeyboardInterrupt:
            self._controls.interrupt("interrupted")
            with suppress(ChaosError):  # It may not even have begun.
                self._end()
            raise
        return self._end() if self._run.done() else None

    def _active(self) -> ActiveFault:
        directory = self._controls.directory
        captured = [one for one in read_journal(directory).records if isinstance(one, Captured)]
        targets = dict.fromkeys(target for one in captured for target in one.targets)
        return ActiveFault(tuple(targets), directory)

    def _end(self) -> str | None:
        """Put everything back; what went wrong."""
        with self._opened:
            ended_at = self._controls.clock.now()
            self._controls.end_faults()
            finished = self._run.result()
            broken = stop_if_broken(self._item, finished, self._environment)
        note_run(self._item, finished, self._session)
        run = finished.result.run
        if broken:
            return broken
        if run.ending is not Ending.COMPLETED:
            return f"the fault was ended: {run.reason}"
        undone_at = min((fault.revert_called_at or math.inf for fault in run.faults), default=0)
        if undone_at < ended_at:
            return "the fault was over before the block was: see at_most"
        return None
