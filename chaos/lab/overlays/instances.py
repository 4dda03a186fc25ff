"""The states of EC2 instances.

AWS: an instance is `pending` until its machine is up, `stopping` and `shutting-down` until it is
down; what an instance's state does not allow is refused with IncorrectInstanceState.
moto: the final state holds at once, a terminated instance can be started, and a reboot leaves no
trace. Here the calls only set the state of the way there, and the fleet sets the final one when it
is true.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from enum import Enum
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.instances import Instance, InstanceBackend

from chaos.lab.overlays.wrapping import around


class State(Enum):
    """An instance's state, with EC2's name and code."""

    PENDING = ("pending", 0)
    RUNNING = ("running", 16)
    SHUTTING_DOWN = ("shutting-down", 32)
    TERMINATED = ("terminated", 48)
    STOPPING = ("stopping", 64)
    STOPPED = ("stopped", 80)


_GONE = (State.SHUTTING_DOWN, State.TERMINATED)


def state_of(instance: Any) -> State:
    """The state of one of moto's instances."""
    return State((instance.state, instance.state_code))


def set_state(instance: Any, state: State) -> None:
    """Give one of moto's instances a state."""
    instance.instance_state.name, instance.instance_state.code = state.value


def is_gone(instance: Any) -> bool:
    """Whether the instance is terminated or about to be."""
    return state_of(instance) in _GONE


def reboots_of(instance: Any) -> int:
    """How often the instance was told to reboot."""
    return getattr(instance, "lab_reboots", 0)


def install() -> None:
    """Change moto's instances."""
    _pass_through_intermediate_states()
    _refuse_what_the_state_does_not_allow()

    @around(InstanceBackend, "run_instances")
    def run(original: Any, backend: Any, *args: Any, **kwargs: Any) -> Any:
        reservation = original(backend, *args, **kwargs)
        for instance in reservation.instances:
            set_state(instance, State.PENDING)
        return reservation

    @around(Instance, "reboot")
    def reboot(_: Any, instance: Any) -> None:
        instance.lab_reboots = reboots_of(instance) + 1


def _pass_through_intermediate_states() -> None:
    _change("start", State.PENDING, unless=(State.PENDING, State.RUNNING))
    _change("stop", State.STOPPING, unless=(State.STOPPING, State.STOPPED))
    _change("terminate", State.SHUTTING_DOWN, unless=_GONE)


def _change(method: str, way_there: State, unless: tuple[State, ...]) -> None:
    @around(Instance, method)
    def change(original: Any, instance: Any) -> Any:
        if state_of(instance) in unless:
            return copy.copy(instance.instance_state)
        previous = original(instance)
        set_state(instance, way_there)
        return previous


def _refuse_what_the_state_does_not_allow() -> None:
    _refuse("start_instances", "started", {State.STOPPING, *_GONE})
    _refuse("stop_instances", "stopped", set(_GONE))
    _refuse("reboot_instances", "rebooted", {State.STOPPING, State.STOPPED, *_GONE})


def _refuse(method: str, participle: str, states: Iterable[State]) -> None:
    @around(InstanceBackend, method)
    def guarded(original: Any, backend: Any, instance_ids: list[str]) -> Any:
        for instance in backend.get_multi_instances_by_id(instance_ids):
            if state_of(instance) in states:
                raise EC2ClientError(
                    "IncorrectInstanceState",
                    f"The instance '{instance.id}' is not in a state from which it can be "
                    f"{participle}.",
                )
        return original(backend, instance_ids)
