"""Opening the environment that a user chose: the lab, an AWS account, or just a host.

This is the only place that knows the lab as well as AWS; the engine gets an `OpenEnvironment`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from chaos.aws.factory import ClientFactory
from chaos.aws.shared_store import SharedStore, open_store
from chaos.engine.environment import OpenEnvironment, OwnPlace
from chaos.measure.run import Event
from chaos.model.environment import LAB, DeadMansSwitchSettings, Environment, Settings
from chaos.model.shared_place import SharedPlace

if TYPE_CHECKING:
    from chaos.lab.handle import LabHandle

Say = Callable[[str], None]


@contextmanager
def open_environment(
    name: str, environment: Environment, settings: Settings, say: Say
) -> Iterator[OpenEnvironment]:
    """The environment, ready to be used; a lab that was started for it is stopped afterwards.

    `say` is told, a line each, of what takes time.

    Raises:
        EnvironmentUnusable: AWS does not answer, the account is another one, no lab comes up.
    """
    if name == LAB and not environment.uses_aws:
        with _open_lab(environment, settings, say) as opened:
            yield opened
    elif environment.uses_aws:
        yield _open_aws(name, environment)
    else:
        yield OpenEnvironment(
            name,
            environment.host,
            blast_radius=environment.blast_radius,
            lock_store=_store(environment.lock, None),
            mirror_store=_store(environment.journal_mirror, None),
        )


def open_existing(name: str, settings: Settings) -> OpenEnvironment | None:
    """The environment that a run of the past was in; None where that was a lab that is gone.

    Raises:
        EnvironmentUnusable: AWS does not answer, or it is another account than the environment's.
        InvalidInput: `chaos.toml` does not know the environment any more.
    """
    if name.startswith(("http://", "https://")):
        return OpenEnvironment(name, name)
    environment = settings.environment(name)
    if environment.uses_aws:
        return _open_aws(name, environment)
    if name != LAB:
        return OpenEnvironment(name, environment.host)
    from chaos.lab import handle as lab

    found = lab.find()
    return None if found is None else in_lab(found, environment)


def _open_aws(name: str, environment: Environment) -> OpenEnvironment:
    from chaos.aws.clients import connect, guard_account
    from chaos.aws.own_instance import own_instance_id

    clients = connect(environment)
    account = guard_account(clients, environment.account)
    own = own_instance_id()
    return OpenEnvironment(
        name=name,
        host=environment.host,
        clients=clients,
        account=account,
        region=environment.region,
        endpoint_url=environment.endpoint_url,
        dead_mans_switch=environment.dead_mans_switch,
        own_place=_place_of(own, clients) if own and not environment.endpoint_url else None,
        blast_radius=environment.blast_radius,
        protected=environment.protected,
        check_permissions=environment.check_permissions and environment.endpoint_url is None,
        lock_store=_store(environment.lock, clients),
        mirror_store=_store(environment.journal_mirror, clients),
    )


def _store(place: SharedPlace | None, clients: ClientFactory | None) -> SharedStore | None:
    return None if place is None else open_store(place, clients)


def _place_of(instance: str, clients: ClientFactory) -> OwnPlace | None:
    """The place of the instance this process runs on, where it is in the clients' account."""
    by_id = [{"Name": "instance-id", "Values": [instance]}]
    found = clients.client("ec2").describe_instances(Filters=by_id)["Reservations"]
    return OwnPlace(instance, found[0]["Instances"][0]["SubnetId"]) if found else None


@contextmanager
def _open_lab(environment: Environment, settings: Settings, say: Say) -> Iterator[OpenEnvironment]:
    from chaos.lab import handle as lab

    found = lab.find()
    if found is not None:
        say(f"using the lab that is up ({found.host})")
        yield in_lab(found, environment)
        return
    say("starting the lab")
    started = lab.start(settings=lab.settings_from(settings.lab), progress=say)
    try:
        yield in_lab(started, environment)
    finally:
        say("stopping the lab")
        lab.stop(started)


def in_lab(handle: LabHandle, environment: Environment) -> OpenEnvironment:
    """The environment, in a lab that is up."""
    from chaos.aws.clients import connect

    _bypass_proxies()
    inside = Environment(region=handle.region, endpoint_url=handle.endpoint_url)
    clients = connect(inside, handle.credentials)
    return OpenEnvironment(
        name=LAB,
        host=environment.host or handle.host,
        clients=clients,
        account=handle.account_id,
        region=handle.region,
        endpoint_url=handle.endpoint_url,
        blast_radius=environment.blast_radius,
        protected=environment.protected,
        dead_mans_switch=environment.dead_mans_switch or _lab_switch(handle),
        lock_store=_store(environment.lock, clients),
        mirror_store=_store(environment.journal_mirror, clients),
        truth=_truth_of(handle),
    )


def _lab_switch(handle: LabHandle) -> DeadMansSwitchSettings:
    """The lab carries out schedules, and asks for no rights of their role."""
    role = f"arn:aws:iam::{handle.account_id}:role/dead-mans-switch"
    return DeadMansSwitchSettings.model_validate({"role_arn": role, "grace": "30s"})


def _bypass_proxies() -> None:
    """Let boto3 and Locust, which heed these variables, reach the lab without a proxy."""
    for name in ("NO_PROXY", "no_proxy"):
        listed = [part for part in os.environ.get(name, "").split(",") if part]
        if "127.0.0.1" not in listed:
            os.environ[name] = ",".join([*listed, "127.0.0.1"])


def _truth_of(handle: LabHandle) -> Callable[[], list[Event]]:
    """Reads on in the lab's truth log from where it is now."""
    from chaos.lab.handle import truth

    read = len(truth(handle))

    def news() -> list[Event]:
        nonlocal read
        events = truth(handle)[read:]
        read += len(events)
        return [Event(seen.at, "truth", seen.text) for seen in events]

    return news
