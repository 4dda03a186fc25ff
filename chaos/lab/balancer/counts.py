"""How many requests the load balancer has answered, by its own count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from chaos.lab.balancer.config import STAT_PREFIX
from chaos.lab.loopback import get_json


@dataclass(frozen=True, slots=True)
class BalancerCounts:
    """Requests from clients since the lab came up, over all nodes; health checks are not in it."""

    requests: int
    """All that came in."""
    answered_2xx: int
    answered_3xx: int
    answered_4xx: int
    answered_5xx: int
    """Whether the target or the balancer itself said so."""
    client_gave_up: int
    """Requests that the client ended before the answer was complete."""

    @property
    def answered(self) -> int:
        """All requests with an answer."""
        return self.answered_2xx + self.answered_3xx + self.answered_4xx + self.answered_5xx


def read_counts(admin_ports: Iterable[int]) -> BalancerCounts:
    """Ask each node for its statistics, and add them up.

    Raises:
        OSError: a node does not answer.
    """
    total: Counter[str] = Counter()
    for port in admin_ports:
        total.update(_node_counts(port))
    return BalancerCounts(
        requests=total["downstream_rq_total"],
        answered_2xx=total["downstream_rq_2xx"],
        answered_3xx=total["downstream_rq_3xx"],
        answered_4xx=total["downstream_rq_4xx"],
        answered_5xx=total["downstream_rq_5xx"],
        client_gave_up=total["downstream_rq_rx_reset"],
    )


def _node_counts(admin_port: int) -> dict[str, int]:
    prefix = f"http.{STAT_PREFIX}."
    path = f"/stats?format=json&filter=^http.{STAT_PREFIX}.downstream_rq"
    stats = get_json(admin_port, path)["stats"]
    return {stat["name"].removeprefix(prefix): stat["value"] for stat in stats if "value" in stat}
