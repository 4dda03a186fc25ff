"""The health of a load balancer's targets.

AWS: tells what the balancer's health checks have found, lets a deregistered target drain, and takes
some time to notice that a target was terminated.
moto: calls every registered target healthy, and drops terminated ones at once. Here the answer
comes from the nodes' own health checks, and `chaos.lab.scaling` takes terminated targets out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from moto.elbv2.models import ELBv2Backend, FakeHealthStatus, FakeTargetGroup

from chaos.lab.overlays.wrapping import around

_TEXTS = {
    "initial": ("Elb.InitialHealthChecking", "Initial health checks in progress"),
    "unhealthy": ("Target.FailedHealthChecks", "Health checks failed"),
    "draining": ("Target.DeregistrationInProgress", "Target deregistration is in progress"),
}


def install(health_of: Callable[[str], str]) -> None:
    """Change moto's target groups; `health_of` tells the state of a registered target."""

    @around(FakeTargetGroup, "health_for")
    def health_for(original: Any, group: Any, target: Any, ec2_backend: Any) -> Any:
        said = original(group, target, ec2_backend)
        if target["Id"] in _draining(group):
            said.status = "draining"
        elif said.status == "healthy":
            said.status = health_of(target["Id"])
        said.reason, said.description = _TEXTS.get(said.status, (said.reason, said.description))
        return said

    @around(FakeTargetGroup, "deregister")
    def deregister(original: Any, group: Any, targets: Any) -> None:
        original(group, targets)
        _start_draining(group, [target["Id"] for target in targets])

    @around(FakeTargetGroup, "deregister_terminated_instances")
    def deregister_terminated(original: Any, group: Any, instance_ids: list[str]) -> None:
        registered = [target for target in instance_ids if target in group.targets]
        original(group, instance_ids)
        _start_draining(group, registered)

    @around(ELBv2Backend, "describe_target_health")
    def describe(
        original: Any, backend: Any, target_group_arn: str, targets: Any
    ) -> list[FakeHealthStatus]:
        group = backend.target_groups.get(target_group_arn)
        if not targets and group:
            draining = [{"Id": target, "Port": group.port} for target in _draining(group)]
            targets = [*group.targets.values(), *draining]
        answer: list[FakeHealthStatus] = original(backend, target_group_arn, targets)
        return answer

    @around(ELBv2Backend, "notify_terminate_instances")
    def notice_later(_: Any, backend: Any, instance_ids: list[str]) -> None:
        """Nothing: the balancer's health checks see for themselves."""


def _start_draining(group: Any, targets: list[str]) -> None:
    since = group.__dict__.setdefault("lab_draining_since", {})
    since.update(dict.fromkeys(targets, time.monotonic()))


def _draining(group: Any) -> list[str]:
    delay = float(group.attributes["deregistration_delay.timeout_seconds"])
    since: dict[str, float] = getattr(group, "lab_draining_since", {})
    return [
        target
        for target, start in since.items()
        if target not in group.targets and time.monotonic() - start < delay
    ]
