"""Asking whether a game day may begin: all of it is asked, so that all that is wrong is said."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chaos.gameday.posting import post_json
from chaos.gameday.reasons import reason
from chaos.measure.formats import percentage
from chaos.model.gameday import GameDay
from chaos.model.precondition import (
    ChangeCalendar,
    Consent,
    ErrorBudget,
    FreezeFile,
    Precondition,
)
from chaos.probes.ask import ask
from chaos.probes.observation import Observation, ProbeFailed, Surroundings


@dataclass(frozen=True, slots=True)
class Asking:
    """What the questions are put with."""

    around: Surroundings
    plan: dict[str, Any]
    """What a webhook that must consent is told of the day."""
    now: float
    """Seconds since the epoch."""


def unmet(gameday: GameDay, asking: Asking) -> Iterator[str]:
    """One line for each precondition that does not hold; one that cannot be asked does not."""
    for precondition in gameday.preconditions:
        observed = _observe(precondition, asking)
        if not observed.good:
            yield observed.text


def _observe(precondition: Precondition, asking: Asking) -> Observation:
    own = _OWN.get(type(precondition))
    if own is None:
        return ask(precondition, asking.around)  # type: ignore[arg-type]  # what is left is a probe
    try:
        return own(precondition, asking)
    except ProbeFailed as error:
        return Observation(False, f"{precondition}: {error}")
    except Exception as error:  # noqa: BLE001 - whatever goes wrong is no yes
        return Observation(False, f"{precondition}: {reason(error)}")


def _freeze_file(wanted: FreezeFile, _: Asking) -> Observation:
    there = Path(wanted.freeze_file).exists()
    return Observation(not there, f"{wanted}: {'it is there' if there else 'not there'}")


def _consent(wanted: Consent, asking: Asking) -> Observation:
    answer = json.loads(post_json(wanted.ask, asking.plan))
    allowed = isinstance(answer, dict) and answer.get("allow") is True
    said = answer.get("reason", "") if isinstance(answer, dict) else ""
    text = "yes" if allowed else f'it did not answer {{"allow": true}}{f": {said}" if said else ""}'
    return Observation(allowed, f"{wanted}: {text}")


def _change_calendar(wanted: ChangeCalendar, asking: Asking) -> Observation:
    ssm: Any = asking.around.client_of("ssm")
    state = ssm.get_calendar_state(CalendarNames=[wanted.change_calendar])["State"]
    return Observation(state == "OPEN", f"{wanted}: {state}")


def _error_budget(wanted: ErrorBudget, asking: Asking) -> Observation:
    signals: Any = asking.around.client_of("application-signals")
    answer = signals.batch_get_service_level_objective_budget_report(
        Timestamp=datetime.fromtimestamp(asking.now, UTC), SloIds=[wanted.error_budget.slo]
    )
    if not answer.get("Reports"):
        return Observation(False, f"{wanted}: there is no such SLO")
    report = answer["Reports"][0]
    # An SLO counts either time or requests.
    unit = "Seconds" if "TotalBudgetSeconds" in report else "Requests"
    left = report[f"Budget{unit}Remaining"] / report[f"TotalBudget{unit}"]
    least = wanted.error_budget.at_least
    text = f"{wanted}: {percentage(max(0.0, left))} left, wanted at least {percentage(least)}"
    return Observation(left >= least, text)


_OWN: dict[type, Callable[[Any, Asking], Observation]] = {
    FreezeFile: _freeze_file,
    Consent: _consent,
    ChangeCalendar: _change_calendar,
    ErrorBudget: _error_budget,
}
