"""What the tests share: an AWS API to talk to, and a lab."""

from __future__ import annotations

import logging
import urllib.request
from collections.abc import Iterator
from typing import TYPE_CHECKING

import hypothesis
import pytest

from chaos.aws.clients import BotoClients, connect
from chaos.model.environment import Environment

if TYPE_CHECKING:
    from moto.server import ThreadedMotoServer

    from tests.aws_world import World

pytest_plugins = ["tests.lab_fixtures", "tests.lab_caches", "pytester"]

collect_ignore = ["sample_app"]  # another team's repository, with tests of its own

# How long an example takes says nothing on a shared machine.
hypothesis.settings.register_profile("chaos", deadline=None)
hypothesis.settings.load_profile("chaos")

CREDENTIALS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}


STARTS_SOMETHING = frozenset({"moto", "service", "harness", "failures", "tab"})
"""Fixtures with a process or a server behind them: moto, Locust, a browser."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is too slow for the fast part by what it starts."""
    for item in items:
        if STARTS_SOMETHING & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.real)


@pytest.fixture(scope="session")
def moto() -> Iterator[ThreadedMotoServer]:
    """The AWS API over HTTP on loopback: state, no behaviour."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def aws(moto: ThreadedMotoServer) -> BotoClients:
    """Clients of an empty account in us-east-1."""
    clients = _clients_of(moto)
    endpoint = clients.client("sts").meta.endpoint_url
    reset = urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST")
    urllib.request.urlopen(reset, timeout=10).close()
    return clients


@pytest.fixture(scope="module")
def world(moto: ThreadedMotoServer) -> World:
    """An account with something of everything; each use leaves it as it was, or it is made anew."""
    from tests.aws_world import World

    return World(_clients_of(moto))


def _clients_of(moto: ThreadedMotoServer) -> BotoClients:
    host, port = moto.get_host_and_port()
    environment = Environment(region="us-east-1", endpoint_url=f"http://{host}:{port}")
    return connect(environment, CREDENTIALS)
