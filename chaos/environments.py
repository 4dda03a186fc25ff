"""Opening the environment that a user chose: the lab, an AWS account, or just a host.

This is the only place that knows the lab as well as AWS; the engine gets an `OpenEnvironment`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from chaos.engine.environment import OpenEnvironment
from chaos.measure.run import Event
from chaos.model.environment import LAB, Environment, Settings
from chaos.model.problems import EnvironmentUnusable

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
        yield OpenEnvironment(name, environment.host, blast_radius=environment.blast_radius)


def _open_aws(name: str, environment: Environment) -> OpenEnvironment:
    from chaos.aws.clients import connect, guard_account

    clients = connect(environment)
    account = guard_account(clients, environment.account)
    return OpenEnvironment(
        name=name,
        host=environment.host,
        clients=clients,
        account=account,
        region=environment.region,
        blast_radius=environment.blast_radius,
    )


@contextmanager
def _open_lab(environment: Environment, settings: Settings, say: Say) -> Iterator[OpenEnvironment]:
    from chaos.lab import handle as lab

    found = lab.find()
    if found is not None:
        say(f"using the lab that is up ({found.host})")
        yield _in_lab(found, environment)
        return
    say("starting the lab")
    started = _start_lab(settings, say)
    try:
        yield _in_lab(started, environment)
    finally:
        say("stopping the lab")
        lab.stop(started)


def _start_lab(settings: Settings, say: Say) -> LabHandle:
    from chaos.lab import handle as lab
    from chaos.lab.settings import LabSettings

    chosen = LabSettings.from_mapping(settings.lab)
    try:
        return lab.start(settings=chosen, progress=say)
    except lab.LabError as error:
        raise EnvironmentUnusable(str(error)) from error


def _in_lab(handle: LabHandle, environment: Environment) -> OpenEnvironment:
    from chaos.aws.clients import connect

    inside = Environment(region=handle.region, endpoint_url=handle.endpoint_url)
    key = {
        "aws_access_key_id": handle.access_key_id,
        "aws_secret_access_key": handle.secret_access_key,
    }
    return OpenEnvironment(
        name=LAB,
        host=environment.host or handle.host,
        clients=connect(inside, key),
        account=handle.account_id,
        region=handle.region,
        blast_radius=environment.blast_radius,
        truth=lambda since: _truth(handle, since),
    )


def _truth(handle: LabHandle, since: float) -> list[Event]:
    from chaos.lab.handle import truth

    return [Event(seen.at, "truth", seen.text) for seen in truth(handle, since) if seen.at > since]
