"""What the Auto Scaling groups do by themselves: notice, replace, spread, register.

The words are AWS's; see `chaos.lab.overlays.scaling` for what moto does and does not.
"""

from __future__ import annotations

import time
import traceback
from collections import Counter
from typing import Any

from chaos.lab.balancer.health_view import HealthView
from chaos.lab.overlays.instances import State, is_gone, state_of
from chaos.lab.overlays.scaling import launch_into
from chaos.lab.region import Region
from chaos.lab.settings import LabSettings

_LIFECYCLE = {
    State.PENDING: "Pending",
    State.SHUTTING_DOWN: "Terminating",
    State.TERMINATED: "Terminated",
}
"""A member's lifecycle state by its instance's state, where it is not InService."""

_RETRY_AFTER = 5.0
"""Seconds until a group that could not launch tries again."""


class Scaling:
    """All Auto Scaling groups. Call its methods with the region's lock held."""

    def __init__(self, region: Region, health: HealthView, settings: LabSettings) -> None:
        self._region = region
        self._health = health
        self._settings = settings
        self._gone_since: dict[str, float] = {}
        self._launched_at: dict[str, float] = {}
        self._impaired_since: dict[str, float] = {}
        self._no_launch_before: dict[str, float] = {}
        self._terminated: set[str] = set()
        """Members that their groups have terminated."""
        self._registered: set[tuple[str, str]] = set()

    def follow(self) -> None:
        """Let every group take the steps that are due."""
        for instance in self._region.instances():
            if is_gone(instance):
                self._gone_since.setdefault(instance.id, time.monotonic())
        for group in self._region.groups():
            self._drop_members_that_are_gone(group)
            self._replace_impaired_members(group)
            self._reach_desired_capacity(group)
            self._register_members(group)
        self._drop_targets_that_are_gone()

    def _is_noticed_gone(self, instance_id: str) -> bool:
        since = self._gone_since.get(instance_id)
        delay = self._settings.replacement_delay
        return since is not None and time.monotonic() - since >= delay

    def _drop_members_that_are_gone(self, group: Any) -> None:
        for member in group.instance_states:
            if member.lifecycle_state != "Standby":
                state = state_of(member.instance)
                member.lifecycle_state = _LIFECYCLE.get(state, "InService")
        group.instance_states = [
            member
            for member in group.instance_states
            if not self._is_missed(group, member.instance.id)
        ]

    def _is_missed(self, group: Any, instance_id: str) -> bool:
        """Whether the group knows it gone, if it looks for that or has terminated it itself."""
        looks = not _is_suspended(group, "HealthCheck", "ReplaceUnhealthy")
        return (looks or instance_id in self._terminated) and self._is_noticed_gone(instance_id)

    def _drop_targets_that_are_gone(self) -> None:
        for group in self._region.target_groups():
            gone = [target for target in group.targets if self._is_noticed_gone(target)]
            if gone:
                group.deregister_terminated_instances(gone)

    def _replace_impaired_members(self, group: Any) -> None:
        if _is_suspended(group, "ReplaceUnhealthy", "Terminate"):
            return
        for member in group.instance_states:
            if member.lifecycle_state == "InService" and self._has_long_been_impaired(
                group, member
            ):
                self._terminate(member.instance.id)

    def _terminate(self, instance_id: str) -> None:
        self._terminated.add(instance_id)
        self._region.ec2.terminate_instances([instance_id])

    def _has_long_been_impaired(self, group: Any, member: Any) -> bool:
        if member.health_status == "Unhealthy":
            return True  # Somebody said so with SetInstanceHealth.
        instance_id = member.instance.id
        if _is_suspended(group, "HealthCheck") or not self._is_impaired(group, member):
            self._impaired_since.pop(instance_id, None)
            return False
        since = self._impaired_since.setdefault(instance_id, time.monotonic())
        return time.monotonic() - since >= self._settings.impairment_period

    def _is_impaired(self, group: Any, member: Any) -> bool:
        if state_of(member.instance) is not State.RUNNING:
            return True
        age = time.monotonic() - self._launched_at.get(member.instance.id, 0.0)
        return (
            group.health_check_type == "ELB"
            and age > (group.health_check_grace_period or 0)
            and self._health.state_of(member.instance.id) == "unhealthy"
        )

    def _reach_desired_capacity(self, group: Any) -> None:
        members = [one for one in group.instance_states if one.lifecycle_state != "Standby"]
        missing = (group.desired_capacity or 0) - len(members)
        if missing > 0 and not _is_suspended(group, "Launch"):
            self._launch(group, missing)
        elif missing < 0 and not _is_suspended(group, "Terminate"):
            self._shrink(group, -missing)

    def _launch(self, group: Any, count: int) -> None:
        if time.monotonic() < self._no_launch_before.get(group.arn, 0.0):
            return
        try:
            for _ in range(count):
                instance_id = launch_into(group, self._emptiest_subnet(group))
                self._launched_at[instance_id] = time.monotonic()
                group.instance_states[-1].lifecycle_state = "Pending"
        except Exception:  # noqa: BLE001 - a group that cannot launch is its owner's business
            traceback.print_exc()
            self._no_launch_before[group.arn] = time.monotonic() + _RETRY_AFTER

    def _emptiest_subnet(self, group: Any) -> str:
        """The one with the fewest members; of several, the first that the group names."""
        taken = Counter(
            member.instance.subnet_id
            for member in group.instance_states
            if not is_gone(member.instance)
        )
        return min(self._subnets(group), key=lambda subnet: taken[subnet])

    def _subnets(self, group: Any) -> list[str]:
        """The group's own, or those that the default VPC has in its zones."""
        if group.vpc_zone_identifier:
            return list(group.vpc_zone_identifier.split(","))
        defaults = self._region.ec2.get_default_subnets()
        return [defaults[zone].id for zone in group.availability_zones]

    def _shrink(self, group: Any, by: int) -> None:
        """Terminate members of the fullest zones first, and there the oldest."""
        for _ in range(by):
            alive = [one for one in group.instance_states if not is_gone(one.instance)]
            surplus = len(alive) - (group.desired_capacity or 0)
            free = [one for one in alive if not one.protected_from_scale_in]
            if surplus <= 0 or not free:
                return
            taken = Counter(one.instance.availability_zone for one in alive)
            victim = max(free, key=lambda one: taken[one.instance.availability_zone])
            self._terminate(victim.instance.id)

    def _register_members(self, group: Any) -> None:
        """Once each: a target that somebody deregisters stays so.

        One that comes while that is suspended is never registered, as with AWS.
        """
        running = [
            one.instance.id
            for one in group.instance_states
            if one.lifecycle_state == "InService" and state_of(one.instance) is State.RUNNING
        ]
        for target_group in self._region.target_groups():
            if target_group.arn in group.target_group_arns:
                arn = target_group.arn
                new = [one for one in running if (arn, one) not in self._registered]
                if not _is_suspended(group, "AddToLoadBalancer"):
                    target_group.register([{"Id": one, "Port": target_group.port} for one in new])
                self._registered.update((arn, one) for one in new)


def _is_suspended(group: Any, *processes: str) -> bool:
    suspended = {entry["ProcessName"] for entry in group.suspended_processes}
    return not suspended.isdisjoint(processes)
