"""Fixtures for tests that need the lab's real processes."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from chaos.lab import handle
from chaos.lab.handle import InstanceStatus, LabHandle
from tests.eventually import eventually

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client

WHOLE = 6
"""Instances of the shop when nothing is wrong."""


@dataclass(frozen=True)
class Answer:
    """What the shop has answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class RunningLab:
    """A lab, with boto3 clients as anybody would make them."""

    handle: LabHandle
    ec2: EC2Client
    autoscaling: AutoScalingClient
    elbv2: ElasticLoadBalancingv2Client

    def instances(self) -> dict[str, InstanceStatus]:
        """All instances but the terminated ones, by id."""
        return {one.instance_id: one for one in handle.status(self.handle).instances}

    def is_whole(self) -> bool:
        """Whether all instances that are wanted, and no others, run, serve and are healthy."""
        seen = [(one.state, one.serving, one.target_health) for one in self.instances().values()]
        return seen == [("running", True, "healthy")] * WHOLE

    def await_whole(self) -> None:
        """Return once the lab is as after its start."""
        eventually(self.is_whole, within=30, what="six healthy instances")

    def get(self, path: str, timeout: float = 5.0) -> Answer:
        """Ask the shop through the front door, on a connection of its own."""
        return self._ask("GET", path, b"", timeout)

    def post(self, path: str, body: bytes) -> Answer:
        """Send the shop something through the front door."""
        return self._ask("POST", path, body, 5.0)

    def _ask(self, method: str, path: str, body: bytes, timeout: float) -> Answer:
        address = urlsplit(self.handle.host)
        connection = http.client.HTTPConnection(
            str(address.hostname), address.port, timeout=timeout
        )
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()


def connect(running: LabHandle) -> RunningLab:
    """Make boto3 clients of a lab."""
    import boto3

    session = boto3.Session(
        running.access_key_id, running.secret_access_key, region_name=running.region
    )
    endpoint = running.endpoint_url
    return RunningLab(
        running,
        session.client("ec2", endpoint_url=endpoint),
        session.client("autoscaling", endpoint_url=endpoint),
        session.client("elbv2", endpoint_url=endpoint),
    )


@pytest.fixture(scope="session")
def shared_lab() -> Iterator[RunningLab]:
    """One lab for all tests of the session."""
    running = handle.start()
    try:
        yield connect(running)
    finally:
        handle.stop(running)


@pytest.fixture
def lab(shared_lab: RunningLab) -> Iterator[RunningLab]:
    """A lab in which nothing is wrong; what happened in it is shown where a test fails."""
    began = time.time()
    try:
        shared_lab.await_whole()
        yield shared_lab
    finally:
        _show_what_happened(shared_lab.handle, began)


def _show_what_happened(running: LabHandle, since: float) -> None:
    """Print the truth, and what the lab's own processes had to say; pytest keeps it to itself."""
    for event in handle.truth(running, since):
        print(f"{event.at:.3f} {event.text}")
    log = running.directory / "lab.log"
    print(log.read_text()[-4000:] if log.exists() else "the lab has no log")
