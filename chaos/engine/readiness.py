"""Whether the system is fit to have a fault injected: steady state, and a healthy baseline."""

from __future__ import annotations

from collections.abc import Iterable

from chaos.measure.run import Run
from chaos.model.experiment import Experiment
from chaos.model.probe import Probe
from chaos.model.slo import During
from chaos.probes.ask import ask
from chaos.probes.observation import Observation, Surroundings
from chaos.slo.judge import judge
from chaos.slo.verdict import Verdict


class NotSteady(Exception):
    """The steady state does not hold before the first fault."""


class AlreadySick(Exception):
    """The baseline misses an objective: what a fault would show could not be told from it."""


def observe_all(probes: Iterable[Probe], around: Surroundings) -> list[Observation]:
    """Ask each probe once."""
    return [ask(probe, around) for probe in probes]


def require_steady_state(observations: Iterable[Observation]) -> None:
    """Go on only where every answer is good.

    Raises:
        NotSteady: one is not.
    """
    for seen in observations:
        if not seen.good:
            raise NotSteady(f"the steady state does not hold, so no fault is injected: {seen.text}")


def require_healthy_baseline(experiment: Experiment, run: Run) -> None:
    """Go on only where no objective is missed before anything is broken.

    Raises:
        AlreadySick: one is.
    """
    slos = [slo for slo in experiment.slos if not slo.sli.follows_faults]
    on_baseline = [slo.model_copy(update={"during": During.BASELINE}) for slo in slos]
    for result in judge(on_baseline, run):
        if result.verdict is Verdict.FAIL:
            raise AlreadySick(
                f"the system was sick before the fault: {result.name}: {result.explanation}"
            )
