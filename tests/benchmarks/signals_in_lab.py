"""As `signals`, in the lab, where what is stopped are real processes that take their time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from chaos.aws.clients import BotoClients
from chaos.aws.clients import connect as connect_aws
from chaos.lab import handle
from chaos.model.environment import Environment
from tests.aws_world import differences, picture
from tests.benchmarks.signals import measure
from tests.chaos_command import Chaos
from tests.eventually import eventually
from tests.interrupted_runs import ARMED
from tests.lab_fixtures import connect
from tests.test_iam_action import make_role

SETTLED_WITHIN = 60.0
"""Seconds that health checks and the like may take after all is put back."""


def main() -> None:
    """Every point of every signal and action, in a lab of its own."""
    lab = connect(handle.start())
    try:
        running = lab.handle
        environment = Environment(region=running.region, endpoint_url=running.endpoint_url)
        aws = connect_aws(environment, running.credentials)
        for name in ("orders", "carts"):
            make_role(aws, name)
        lab.await_whole()

        def prepare(chaos: Chaos) -> None:
            chaos.use(lab)
            with (chaos.directory / "chaos.toml").open("a") as settings:
                settings.write(ARMED)

        measure(prepare, lambda: _unchanged(aws))
    finally:
        handle.stop(lab.handle)


@contextmanager
def _unchanged(aws: BotoClients) -> Iterator[None]:
    before = picture(aws)
    yield
    try:
        eventually(lambda: picture(aws) == before, SETTLED_WITHIN, "all is as it was")
    except AssertionError as error:
        raise AssertionError(differences(before, picture(aws))) from error
