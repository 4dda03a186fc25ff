"""What load to make."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self

from chaos.load.arrivals import Arrivals, EvenArrivals, PoissonArrivals
from chaos.model.rate import Leg, Legs

_SMALLEST_POOL = 10
_LARGEST_DEFAULT_POOL = 1000
_GENTLEST_SPAWN_RATE = 10.0


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """The load of one run. With `rate` it is open: arrivals do not wait for answers."""

    locustfile: Path
    host: str
    """The base URL that requests go to."""
    rate: Legs | None = None
    """Open model: the rate of arrivals over time. None: closed model."""
    spacing: Literal["even", "poisson"] = "even"
    """Open model: how arrivals follow each other."""
    seed: int = 0
    """What is drawn for the Poisson process."""
    users: int | None = None
    """Closed model: how many users. Open model: the size of the pool that takes the arrivals."""
    spawn_rate: float | None = None
    """Users started per second."""
    timeout: float = 10.0
    """Seconds that a request may take, and that an arrival may wait for a free user."""
    served_by: tuple[str, ...] = ()
    """Headers of answers that together name who served them."""
    processes: int = 1
    """Locust processes that make load on this machine."""
    workers: int = 0
    """Locust workers on other machines to wait for; with them, this machine makes load itself only
    where `processes` is more than one."""
    worker_port: int = 5557
    """The port that workers on other machines connect to."""
    worker_wait: float = 60.0
    """Seconds to wait for the workers to connect."""
    worker_bind: str = "*"
    """The address that workers on other machines connect to; `*` is any of this machine's."""

    @property
    def arrivals(self) -> Arrivals | None:
        """The arrivals of the open model; None in the closed one."""
        if self.rate is None:
            return None
        if self.spacing == "poisson":
            return PoissonArrivals(self.rate, self.seed)
        return EvenArrivals(self.rate)

    @property
    def highest_rate(self) -> float:
        """The most arrivals per second that there will be; 0 in the closed model."""
        return max(max(leg.start, leg.end) for leg in self.rate) if self.rate else 0.0

    @property
    def expected_workers(self) -> int:
        """How many Locust workers make the load; 0 where Locust is one process."""
        return self.workers + (self.processes if self.processes > 1 else 0)

    @property
    def pool(self) -> int:
        """How many users take the arrivals of the open model.

        Unless given, as many as would be busy if every request took until its time-out (Little's
        law), within bounds.
        """
        if self.users is not None:
            return self.users
        busy = math.ceil(self.highest_rate * self.timeout)
        return min(_LARGEST_DEFAULT_POOL, max(_SMALLEST_POOL, busy))

    @property
    def gentle_spawn_rate(self) -> float:
        """Users started per second where each sends requests before it is ready.

        Unless given, no more than the load will be.
        """
        return self.spawn_rate or max(_GENTLEST_SPAWN_RATE, self.highest_rate)

    def to_json(self) -> dict[str, Any]:
        """A JSON value."""
        return {**asdict(self), "locustfile": str(self.locustfile)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read back what `to_json` wrote."""
        read: dict[str, Any] = {
            "locustfile": Path(value["locustfile"]),
            "served_by": tuple(value["served_by"]),
            "rate": value["rate"] and tuple(Leg(**leg) for leg in value["rate"]),
        }
        return cls(**{**value, **read})
