"""Every time the lab takes, with AWS's own beside it.

The defaults are short, so that a laptop need not wait as long as AWS does. AWS's own values stand
in each docstring and in the fidelity table of `docs/lab.md`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from chaos.model.problems import InvalidInput, Problem, nearest


@dataclass(frozen=True, slots=True)
class LabSettings:
    """The lab's settings; all times are in seconds."""

    instances: int = 6
    """Instances of the shop, and the group's least size. AWS: whatever is asked for."""
    boot_delay: float = 1.0
    """From launch, start or reboot until the user data runs. AWS: 10 to 60."""
    shutdown_grace: float = 0.0
    """From SIGTERM to SIGKILL when an instance is stopped; 0 kills at once, as a lost machine
    would be. AWS: the operating system shuts down, which takes up to some minutes."""
    replacement_delay: float = 2.0
    """From a member's termination until the group notices it, takes it out of the target groups
    and launches another. AWS: up to 60."""
    impairment_period: float = 60.0
    """How long a member may be stopped or unhealthy before the group terminates it. AWS: 60 to
    120."""
    health_check_grace: float = 30.0
    """After a launch, how long the group ignores the load balancer's health checks. AWS: 300 in
    the console, 0 in the API."""
    health_check_interval: float = 1.0
    """Between two health checks of a target by one node. AWS: 30, at least 5."""
    health_check_timeout: float = 1.0
    """Until a health check without an answer has failed. AWS: 5, at least 2."""
    unhealthy_threshold: int = 2
    """Failed checks in a row that take a target out. AWS: 2."""
    healthy_threshold: int = 2
    """Good checks in a row that take it back in; a new target needs one. AWS: 5."""
    connect_timeout: float = 1.0
    """Until the load balancer gives up connecting to a target: 504. AWS: 10."""
    idle_timeout: float = 60.0
    """Until the load balancer gives up waiting for a target's answer: 504. AWS: 60."""
    deregistration_delay: float = 5.0
    """How long a deregistered target is shown as draining. AWS: 300."""
    database_failover_delay: float = 2.0
    """From the loss of a database's primary until its endpoint leads to the promoted standby.
    AWS: 60 to 120, for a cluster 30."""
    database_detection: float = 3.0
    """How long a database server may be out of reach for everybody outside its subnet until it
    counts as lost. AWS: not published; part of the 60 to 120."""
    dns_ttl: float = 2.0
    """How long a client keeps the addresses it was told. AWS: 60 for a load balancer's name."""
    dns_check_interval: float = 1.0
    """Between two checks of a node by the front door. AWS: 30, or 10."""
    dns_check_timeout: float = 1.0
    """Until a check of a node without an answer has failed. AWS: 4 to connect, then 2."""
    dns_threshold: int = 3
    """Checks in a row that take a node out of the answers, or back in. AWS: 3."""
    cache_check_interval: float = 0.5
    """Between two looks at a cache node from every zone. AWS: not told."""
    cache_failure_detection: float = 1.5
    """How long the primary cache node must be out of reach until a failover begins. AWS: some
    seconds."""
    cache_failover_delay: float = 1.0
    """From the begin of a cache failover until the primary endpoint leads to the promoted replica.
    AWS: up to 60, with the time clients keep the old address."""
    cache_recovery_delay: float = 3.0
    """Until a cache node that was lost has a new, empty server. AWS: some minutes."""
    cache_reboot_time: float = 2.0
    """How long a cache node is down for a reboot. AWS: some minutes."""
    metrics_period: float = 2.0
    """Between two publications of CloudWatch metrics. AWS: 60."""
    alarm_interval: float = 1.0
    """Between two evaluations of an alarm. AWS: 60, or 10 for periods below a minute."""
    start_timeout: float = 60.0
    """Until a lab that does not come up is given up. AWS: none."""

    def __post_init__(self) -> None:
        problems = [
            problem
            for field in fields(self)
            for problem in _problems_of(field.name, getattr(self, field.name), type(field.default))
        ]
        if problems:
            raise InvalidInput(*problems)

    @classmethod
    def from_mapping(cls, overrides: Mapping[str, Any]) -> Self:
        """The defaults with some replaced by name.

        Raises:
            InvalidInput: with every unknown name (and the nearest valid one), or bad value.
        """
        known = [field.name for field in fields(cls)]
        unknown = [name for name in overrides if name not in known]
        if unknown:
            raise InvalidInput(
                *(Problem(f"unknown lab setting {name}{nearest(name, known)}") for name in unknown)
            )
        return cls(**overrides)


def _problems_of(name: str, value: Any, kind: type) -> Iterator[Problem]:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    least = 0 if name in _MAY_BE_ZERO else 1 if kind is int else 0.05
    if not number or (kind is int and not isinstance(value, int)):
        wanted = "a whole number" if kind is int else "a number of seconds"
        yield Problem(f"lab setting {name} must be {wanted}, not {value!r}")
    elif not least <= value <= _HIGHEST:
        yield Problem(f"lab setting {name} must be from {least} to {_HIGHEST}, not {value!r}")


_MAY_BE_ZERO = {
    "cache_failover_delay",
    "cache_recovery_delay",
    "cache_reboot_time",
    "boot_delay",
    "shutdown_grace",
    "replacement_delay",
    "impairment_period",
    "health_check_grace",
    "deregistration_delay",
    "database_failover_delay",
    "dns_ttl",
}

_HIGHEST = 1_000_000
"""Seconds, or a count; also refuses infinity and what is not a number."""
