"""Makes machines follow the states of the EC2 instances, and the states follow the machines."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from chaos.lab.machine import Machine, Power
from chaos.lab.network import Network
from chaos.lab.overlays.instances import State, reboots_of, set_state, state_of
from chaos.lab.place import Place
from chaos.lab.region import Region
from chaos.lab.settings import LabSettings
from chaos.lab.truth import TruthKind, TruthLog

_DOWN_WHEN = {State.STOPPING: State.STOPPED, State.SHUTTING_DOWN: State.TERMINATED}
"""What an instance is once its machine is down, by what it is on the way."""

_PORT = 80
"""Where instances listen in AWS, by the stack's target group."""

_RECORDED_AS = {
    State.STOPPED: TruthKind.INSTANCE_STOPPED,
    State.TERMINATED: TruthKind.INSTANCE_TERMINATED,
}


class Service(Protocol):
    """Something that instances use over the network: a database, a cache."""

    def admit(self, instance_id: str) -> Mapping[str, str]:
        """Let an instance in, and return the variables by which it finds the way."""

    def dismiss(self, instance_id: str) -> None:
        """Let an instance that is no more in no longer."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where the machines stand, and what each is told."""

    directory: Path
    environment: Mapping[str, str]
    settings: LabSettings
    callers: tuple[str, ...]
    """Who on the network calls the machines: the load balancer's nodes."""
    services: tuple[Service, ...] = ()
    """What the machines call."""


class Fleet:
    """All machines of the region."""

    def __init__(self, region: Region, network: Network, truth: TruthLog, site: Site) -> None:
        self.machines: dict[str, Machine] = {}
        self._region = region
        self._network = network
        self._truth = truth
        self._settings = site.settings
        self._directory = site.directory
        self._environment = site.environment
        self._callers = site.callers
        self._services = site.services

    def follow(self, instances: list[Any]) -> None:
        """Take every machine one step towards what its instance's state asks for."""
        living = [one for one in instances if state_of(one) is not State.TERMINATED]
        for instance in living:
            machine = self.machines.get(instance.id) or self._add(instance)
            rebooting = machine.reboots != reboots_of(instance)
            if rebooting or state_of(instance) in _DOWN_WHEN:
                self._bring_down(instance, machine)
            elif state_of(instance) in (State.PENDING, State.RUNNING):
                self._bring_up(instance, machine)

    def have_served(self) -> set[str]:
        """Ids of the instances that have accepted a connection since their launch."""
        return {one.instance_id for one in self.machines.values() if one.has_served}

    def scrap(self, but: set[str]) -> None:
        """Remove what is left of instances that are no more, except of those named."""
        with self._region.lock:
            instances = self._region.instances()
        kept = {one.id for one in instances if state_of(one) is not State.TERMINATED}
        for instance_id in self.machines.keys() - kept - but:
            for service in self._services:
                service.dismiss(instance_id)
            self._network.remove(instance_id)
            self.machines.pop(instance_id).scrap()

    def _add(self, instance: Any) -> Machine:
        machine = Machine(instance.id, instance.availability_zone, self._directory / instance.id)
        machine.reboots = reboots_of(instance)
        self.machines[instance.id] = machine
        self._connect(instance, machine)
        text = f"was launched in {machine.zone}"
        self._truth.record(TruthKind.INSTANCE_LAUNCHED, instance.id, text)
        return machine

    def _connect(self, instance: Any, machine: Machine) -> None:
        """Link the callers to a machine that is not up yet: until then nothing gets through."""
        place = Place(instance.private_ip, instance.subnet_id, _PORT)
        self._network.place(instance.id, place)
        self._network.silence(instance.id)
        for caller in self._callers:
            self._network.open(caller, instance.id, machine.port)

    def _bring_down(self, instance: Any, machine: Machine) -> None:
        if machine.power is Power.ON:
            at = time.time()
            self._network.silence(instance.id)  # First: a lost machine says no good-bye.
            machine.switch_off(self._settings.shutdown_grace)
            why = state_of(instance).value[0] if state_of(instance) in _DOWN_WHEN else "rebooting"
            text = f"in {machine.zone} was cut off and killed: {why}"
            self._truth.record(TruthKind.INSTANCE_KILLED, instance.id, text, at=at)
        machine.boot_at = None
        if machine.is_off():
            self._settle_down(instance, machine)

    def _settle_down(self, instance: Any, machine: Machine) -> None:
        with self._region.lock:
            machine.reboots = reboots_of(instance)
            final = _DOWN_WHEN.get(state_of(instance))
            if final is None:
                return
            set_state(instance, final)
        self._truth.record(
            _RECORDED_AS[final], instance.id, f"is {final.value[0]}: its machine is off"
        )

    def _bring_up(self, instance: Any, machine: Machine) -> None:
        if machine.power is Power.ON:
            self._watch(machine)
        elif machine.boot_at is None:
            machine.boot_at = time.monotonic() + self._settings.boot_delay
        elif machine.boot_at <= time.monotonic():
            self._boot(instance, machine)

    def _boot(self, instance: Any, machine: Machine) -> None:
        self._truth.record(
            TruthKind.INSTANCE_BOOTING, instance.id, f"boots in {machine.zone}: its user data runs"
        )
        self._network.restore(instance.id)
        machine.switch_on(_user_data(instance), self._environment_of(instance))
        with self._region.lock:
            if state_of(instance) is State.PENDING:
                set_state(instance, State.RUNNING)

    def _watch(self, machine: Machine) -> None:
        if not machine.exit_noticed and machine.has_exited():
            machine.exit_noticed = True
            machine.serving = False
            text = "goes on without its processes, which have ended by themselves"
            self._truth.record(TruthKind.INSTANCE_EXITED, machine.instance_id, text)
        elif not machine.serving and not machine.exit_noticed and machine.accepts():
            machine.serving = machine.has_served = True
            text = f"accepts connections in {machine.zone}"
            self._truth.record(TruthKind.INSTANCE_SERVING, machine.instance_id, text)

    def _environment_of(self, instance: Any) -> dict[str, str]:
        ways = [service.admit(instance.id) for service in self._services]
        return {
            **self._environment,
            **{name: value for way in ways for name, value in way.items()},
            "INSTANCE_ID": instance.id,
            "AVAILABILITY_ZONE": instance.availability_zone,
            "PRIVATE_IP": instance.private_ip,
        }


def _user_data(instance: Any) -> str:
    return "" if instance.user_data is None else str(instance.user_data.decode())
