"""The lab's region: moto's state of it, and the lock that keeps it in one piece."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from moto.autoscaling.models import autoscaling_backends
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends
from moto.elbv2.models import elbv2_backends

from chaos.lab.overlays import instances, scaling, target_health

REGION = "us-east-1"


class Region:
    """moto's backends of the region. Hold `lock` while reading or changing anything in them."""

    def __init__(self, health_of: Callable[[str], str]) -> None:
        instances.install()
        scaling.install()
        target_health.install(health_of)
        self.lock = threading.RLock()
        self.ec2: Any = ec2_backends[DEFAULT_ACCOUNT_ID][REGION]
        self._autoscaling = autoscaling_backends[DEFAULT_ACCOUNT_ID][REGION]
        self._elbv2 = elbv2_backends[DEFAULT_ACCOUNT_ID][REGION]

    def instances(self) -> list[Any]:
        """All EC2 instances, the terminated ones included."""
        found: list[Any] = self.ec2.all_instances()
        return found

    def groups(self) -> list[Any]:
        """All Auto Scaling groups."""
        return list(self._autoscaling.autoscaling_groups.values())

    def target_groups(self) -> list[Any]:
        """All target groups."""
        return list(self._elbv2.target_groups.values())

    def balanced_targets(self) -> set[str]:
        """Ids of the targets that are registered with a target group that a listener leads to."""
        return {
            target
            for group in self.target_groups()
            if group.load_balancer_arns
            for target in group.targets
        }
