"""Running an experiment for a test."""

from __future__ import annotations

from typing import NoReturn

import pytest

from chaos.api import Controls, FinishedRun, RunOptions, plan_experiment, run_experiment
from chaos.interrupting import interruptible
from chaos.measure.run import Event
from chaos.model.loading import LoadedExperiment
from chaos.model.problems import ChaosError
from chaos.terminal.plain import PlainObserver
from chaos.terminal.plan import plan_lines
from chaos.testing.outcome import note_run, require_pass, stop_if_broken
from chaos.testing.session import ChaosSession
from chaos.testing.summary import note


class SessionObserver(PlainObserver):
    """Prints what happens, which pytest shows where the test fails; says at once who is awaited."""

    def __init__(self, session: ChaosSession) -> None:
        super().__init__()
        self._session = session

    def event(self, event: Event) -> None:
        """See `Observer`."""
        if event.kind == "wait":
            self._session.say(f"waiting, as {event.text}")
        super().event(event)


def run_for(
    item: pytest.Item, session: ChaosSession, loaded: LoadedExperiment, *, check: bool = True
) -> FinishedRun:
    """Run it; with `check`, end the test unless it passes.

    Whatever `check` says, the test fails where the run is refused or something stays broken.
    """
    __tracebackhide__ = True
    if session.options.dry_run:
        plan_for(item, session, loaded)
    controls = Controls()
    try:
        with session.environment() as environment, interruptible(controls):
            watcher = SessionObserver(session)
            finished = run_experiment(loaded, environment, watcher, run_options(session), controls)
            broken = stop_if_broken(item, finished, environment)
    except ChaosError as error:
        if controls.interruption.reason:
            pytest.exit(f"{controls.interruption.reason}; nothing was touched")
        raise pytest.fail.Exception(str(error)) from None
    note_run(item, finished, session)
    if broken:
        pytest.fail(broken)
    if controls.interruption.reason:
        pytest.exit(f"{controls.interruption.reason}; everything was put back")
    if check:
        require_pass(finished, session)
    return finished


def run_options(session: ChaosSession) -> RunOptions:
    """What the session's options say of each run."""
    return RunOptions(reports=session.options.reports, wait=session.options.wait)


def plan_for(item: pytest.Item, session: ChaosSession, loaded: LoadedExperiment) -> NoReturn:
    """Resolve it, keep the plan for the end of the output, and skip the test."""
    __tracebackhide__ = True
    try:
        with session.environment() as environment:
            lines = list(plan_lines(plan_experiment(loaded, environment)))
    except ChaosError as error:
        raise pytest.fail.Exception(str(error)) from None
    note(item, "\n".join([*lines, ""]))
    pytest.skip("dry run: planned, not run")
