"""What must be so before a game day may begin."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from chaos.model.fields import Declared, Name, Percentage
from chaos.model.messages import TAG
from chaos.model.notification import Url
from chaos.model.probe import KINDS, Probe


class BudgetLeft(Declared):
    """How much of an error budget must be left."""

    slo: Annotated[Name, Field(description="Name or ARN of a CloudWatch Application Signals SLO.")]
    at_least: Percentage


class ErrorBudget(Declared):
    """Enough error budget is left."""

    error_budget: BudgetLeft

    def __str__(self) -> str:
        return f"error budget of {self.error_budget.slo}"


class ChangeCalendar(Declared):
    """A Change Calendar of AWS Systems Manager is open: there is no deployment freeze."""

    change_calendar: Annotated[Name, Field(description="Name or ARN of the calendar.")]

    def __str__(self) -> str:
        return f"change calendar {self.change_calendar}"


class FreezeFile(Declared):
    """A file that stands for a freeze is not there."""

    freeze_file: Name

    def __str__(self) -> str:
        return f"freeze file {self.freeze_file}"


class Consent(Declared):
    """A webhook is told of the day and must answer `{"allow": true}`."""

    ask: Url

    def __str__(self) -> str:
        return "consent by webhook"


_OWN = {
    "error_budget": ErrorBudget,
    "change_calendar": ChangeCalendar,
    "freeze_file": FreezeFile,
    "ask": Consent,
}


def _kind_of(value: Any) -> str | None:
    if isinstance(value, Declared):
        own = (TAG + key for key, kind in _OWN.items() if isinstance(value, kind))
        return next(own, TAG + "probe")
    keys = [key for key in (*_OWN, *KINDS) if isinstance(value, dict) and key in value]
    if len(keys) != 1:
        return None
    return TAG + (keys[0] if keys[0] in _OWN else "probe")


Precondition = Annotated[
    Annotated[Probe, Tag(TAG + "probe")]
    | Annotated[ErrorBudget, Tag(TAG + "error_budget")]
    | Annotated[ChangeCalendar, Tag(TAG + "change_calendar")]
    | Annotated[FreezeFile, Tag(TAG + "freeze_file")]
    | Annotated[Consent, Tag(TAG + "ask")],
    Discriminator(
        _kind_of,
        custom_error_type="choice",
        custom_error_message=f"a precondition asks exactly one of {', '.join((*_OWN, *KINDS))}",
    ),
]
