"""Service level indicators, and the objectives on them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from chaos.model.fields import Declared, Duration, Objective, Percentage
from chaos.model.units import Unit


class Sli(StrEnum):
    """A service level indicator."""

    AVAILABILITY = "availability"
    ERROR_RATE = "error_rate"
    ERROR_BUDGET = "error_budget"
    BURN_RATE = "burn_rate"
    LATENCY = "latency"
    THROUGHPUT = "throughput"
    TIME_TO_DETECT = "time_to_detect"
    RECOVERY_TIME = "recovery_time"
    OUTAGES = "outages"
    LONGEST_OUTAGE = "longest_outage"
    MTBF = "mtbf"
    MTTR = "mttr"

    @property
    def unit(self) -> Unit:
        """What its objective is written in."""
        return _UNITS.get(self, Unit.SECONDS)

    @property
    def more_is_better(self) -> bool:
        """Whether its objective is a lower bound."""
        return self in {Sli.AVAILABILITY, Sli.THROUGHPUT, Sli.MTBF}

    @property
    def follows_faults(self) -> bool:
        """Whether it is measured from the injection of a fault, whatever the phase."""
        return self in {Sli.TIME_TO_DETECT, Sli.RECOVERY_TIME}

    @property
    def is_a_share(self) -> bool:
        """Whether it is, or is made of, the share of what was bad."""
        return self in {Sli.AVAILABILITY, Sli.ERROR_RATE, Sli.ERROR_BUDGET, Sli.BURN_RATE}


_UNITS = {
    Sli.AVAILABILITY: Unit.RATIO,
    Sli.ERROR_RATE: Unit.RATIO,
    Sli.ERROR_BUDGET: Unit.RATIO,
    Sli.BURN_RATE: Unit.NUMBER,
    Sli.OUTAGES: Unit.NUMBER,
    Sli.THROUGHPUT: Unit.RATE,
}


class During(StrEnum):
    """The part of the run an objective is judged over."""

    BASELINE = "baseline"
    FAULT = "fault"
    RECOVERY = "recovery"
    ALL = "all"


class By(StrEnum):
    """What good and bad are counted in."""

    REQUESTS = "requests"
    TIME = "time"
    USERS = "users"


class Since(StrEnum):
    """From which moment a request's latency counts."""

    RESPONSE = "response"
    """When it was due."""
    SERVICE = "service"
    """When it was sent."""


class Slo(Declared):
    """A service level objective."""

    sli: Sli
    objective: Objective
    percentile: Annotated[
        float | None, Field(gt=0, lt=100, description="Of latency: 50, 99, 99.9.")
    ] = None
    of: Annotated[
        Since | None,
        Field(description="Of latency: response, since it was due (default); service, since sent."),
    ] = None
    by: Annotated[
        By | None, Field(description="What is counted: requests (default), time or users.")
    ] = None
    target: Annotated[
        Percentage | None, Field(description="The availability that an error budget belongs to.")
    ] = None
    window: Annotated[
        Duration | None, Field(description="Judge the worst stretch of this length instead of all.")
    ] = None
    endpoint: Annotated[
        str | None, Field(description="As the load test names it: GET /products.")
    ] = None
    probe: Annotated[
        str | None, Field(description="A name from probes: judge its samples, not the load.")
    ] = None
    during: Annotated[
        During | None,
        Field(description="Default: fault and recovery; without actions, the baseline."),
    ] = None

    @property
    def counted_by(self) -> By:
        """What good and bad are counted in; samples come on a schedule, so they count time."""
        return self.by or (By.TIME if self.probe else By.REQUESTS)

    @property
    def name(self) -> str:
        """As a person would say it."""
        spoken = self.sli.value.replace("_", " ")
        words = [spoken.upper() if self.sli in {Sli.MTBF, Sli.MTTR} else spoken]
        words[:0] = ["service"] if self.of is Since.SERVICE else []
        words += [f"p{self.percentile:g}"] if self.percentile is not None else []
        words += [f"by {self.by}"] if self.by else []
        words += [f"at {self.target * 100:g}%"] if self.target is not None else []
        words += [f"in the worst {self.window:g} s"] if self.window is not None else []
        words += [f"of {self.endpoint}"] if self.endpoint else []
        words += [f"of probe {self.probe}"] if self.probe else []
        words += [f"during {self.during}"] if self.during else []
        return " ".join(words)


def strictest_availability(slos: Iterable[Slo]) -> float | None:
    """The highest availability, in 0..1, that is demanded of all requests; None where none is."""
    demanded = [
        slo.objective.bound
        for slo in slos
        if slo.sli is Sli.AVAILABILITY and slo.counted_by is By.REQUESTS and not slo.endpoint
    ]
    return max(demanded, default=None)
