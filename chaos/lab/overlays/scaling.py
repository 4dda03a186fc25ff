"""Auto Scaling groups.

AWS: a group notices after a while that capacity and desired capacity differ, launches into the zone
with the fewest members, and registers each with the target groups once it is in service.
moto: all of this is part of the call that caused it, all instances go to the group's first subnet,
and replacements are not registered. Here the calls only record what is desired, and
`chaos.lab.scaling` does the rest.
"""

from __future__ import annotations

from typing import Any

from moto.autoscaling.models import AutoScalingBackend, FakeAutoScalingGroup

from chaos.lab.overlays.wrapping import around


def install() -> None:
    """Change moto's groups."""

    @around(FakeAutoScalingGroup, "set_desired_capacity")
    def record(_: Any, group: Any, new_capacity: int | None) -> None:
        group.desired_capacity = group.min_size if new_capacity is None else new_capacity

    @around(AutoScalingBackend, "notify_terminate_instances")
    def notice_later(_: Any, backend: Any, instance_ids: list[str]) -> None:
        """Nothing: the group sees for itself."""

    @around(AutoScalingBackend, "update_attached_target_groups")
    def register_later(_: Any, backend: Any, group_name: str) -> None:
        """Nothing: members are registered once they run."""

    @around(AutoScalingBackend, "delete_auto_scaling_group")
    def delete(original: Any, backend: Any, group_name: str) -> None:
        group = backend.autoscaling_groups.get(group_name)
        members = [member.instance.id for member in group.instance_states] if group else []
        original(backend, group_name)
        if members:
            backend.ec2_backend.terminate_instances(members)


def launch_into(group: Any, subnet_id: str) -> str:
    """Let moto launch one member into that subnet, and return its instance id.

    moto takes the group's first subnet, so for the time of the call that is the wanted one.
    """
    subnets = group.vpc_zone_identifier
    group.vpc_zone_identifier = subnet_id
    try:
        group.replace_autoscaling_group_instances(1, group.get_propagated_tags())
    finally:
        group.vpc_zone_identifier = subnets
    instance_id: str = group.instance_states[-1].instance.id
    return instance_id
