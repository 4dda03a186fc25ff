"""AWS over HTTP: what a target means, what the EC2 actions do, what throttling does."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Iterator, Sequence

import pytest
from botocore.exceptions import ClientError

from chaos.actions.action import CannotRevert, State
from chaos.actions.ec2 import RebootInstances, StopInstances, TerminateInstances, states_of
from chaos.actions.registry import Registry
from chaos.aws.batches import FILTER_VALUES
from chaos.aws.clients import BotoClients, connect, guard_account
from chaos.aws.resources import Resource
from chaos.aws.retry import patiently
from chaos.aws.targets import matches, resolve, values_at
from chaos.model.environment import Environment
from chaos.model.experiment import Target
from chaos.model.problems import EnvironmentUnusable
from tests.conftest import CREDENTIALS

INSTANCE = "aws:ec2:instance"
IMAGE = "ami-12c6146b"
"""One that moto knows."""


def launch(aws: BotoClients, count: int, **tags: str) -> list[str]:
    """That many running instances with those tags."""
    ec2 = aws.client("ec2")
    tagged = [{"Key": key, "Value": value} for key, value in tags.items()]
    specification = [{"ResourceType": "instance", "Tags": tagged}] if tagged else []
    answer = ec2.run_instances(
        ImageId=IMAGE, MinCount=count, MaxCount=count, TagSpecifications=specification
    )
    return [instance["InstanceId"] for instance in answer["Instances"]]


def state_of(aws: BotoClients, ids: Sequence[str]) -> dict[str, str]:
    """The state of each instance."""
    answer = aws.client("ec2").describe_instances(InstanceIds=list(ids))
    found = [instance for r in answer["Reservations"] for instance in r["Instances"]]
    return {instance["InstanceId"]: instance["State"]["Name"] for instance in found}


def find(aws: BotoClients, **declared: object) -> tuple[Resource, ...]:
    """What a target means."""
    target = Target.model_validate({"type": INSTANCE, **declared})
    return resolve(target, aws, seed=1)


def test_a_target_is_found_by_tags_ids_and_filters(aws: BotoClients) -> None:
    """All of them must match."""
    shop = launch(aws, 3, app="shop")
    launch(aws, 2, app="other")
    assert {r.id for r in find(aws, tags={"app": "shop"})} == set(shop)
    assert {r.id for r in find(aws, ids=shop[:2])} == set(shop[:2])
    zone = find(aws, ids=shop[0])[0].zone
    assert find(aws, tags={"app": "shop"}, filters={"Placement.AvailabilityZone": zone})
    assert not find(aws, tags={"app": "shop"}, filters={"State.Name": "stopped"})


def test_a_terminated_instance_is_never_a_target(aws: BotoClients) -> None:
    """Not even when it is named by its id."""
    first, second = launch(aws, 2, app="shop")
    aws.client("ec2").terminate_instances(InstanceIds=[first])
    assert [r.id for r in find(aws, tags={"app": "shop"})] == [second]
    assert not find(aws, ids=[first])


def test_the_same_seed_makes_the_same_choice(aws: BotoClients) -> None:
    """And it is a choice among those that match."""
    ids = set(launch(aws, 12, app="shop"))
    target = Target.model_validate(
        {"type": INSTANCE, "tags": {"app": "shop"}, "select": "count(5)"}
    )
    choices = [{r.id for r in resolve(target, aws, seed)} for seed in (1, 1, 2, 3, 4)]
    assert choices[0] == choices[1]
    assert len({frozenset(choice) for choice in choices}) > 1
    assert all(choice < ids and len(choice) == 5 for choice in choices)


def test_filters_look_into_lists() -> None:
    """As FIS filters do."""
    description = {"Tags": [{"Key": "a"}, {"Key": "b"}], "State": {"Code": 16}}
    assert list(values_at(description, ["Tags", "Key"])) == ["a", "b"]
    assert matches(description, {"Tags.Key": ["b"], "State.Code": ["16"]})
    assert not matches(description, {"Tags.Value": ["b"]})


def test_the_plan_shows_the_calls_that_are_made(aws: BotoClients) -> None:
    """Injecting makes those calls and no others."""
    ids = launch(aws, 2, app="shop")
    action = StopInstances(aws, {"force": True})
    targets = find(aws, ids=ids)
    calls = action.inject_calls(targets, action.capture(targets))
    assert [call.operation for call in calls] == ["stop_instances"]
    assert set(calls[0].parameters["InstanceIds"]) == set(ids)
    assert calls[0].parameters["Force"] is True


def test_an_instance_that_is_gone_cannot_be_started_again(aws: BotoClients) -> None:
    """It is said, unless it is tolerated, and the others are started all the same."""
    ids = launch(aws, 2, app="shop")
    targets = find(aws, ids=ids)
    strict, tolerant = (
        StopInstances(aws, {}),
        StopInstances(aws, {"completeIfInstancesTerminated": True}),
    )
    state = strict.capture(targets)
    strict.inject(targets, state)
    aws.client("ec2").terminate_instances(InstanceIds=[ids[0]])
    with pytest.raises(CannotRevert, match=ids[0]):
        strict.revert(state)
    assert state_of(aws, [ids[1]]) == {ids[1]: "running"}
    tolerant.revert(state)
    assert tolerant.verify(state)


def test_an_instance_that_aws_has_forgotten_hides_none_of_the_others(aws: BotoClients) -> None:
    """EC2 answers nothing for a list of ids with an unknown one in it; the others are there."""
    first, second = launch(aws, 2)
    forgotten = [f"i-{number:017x}" for number in range(FILTER_VALUES)]
    states = states_of(aws, [first, *forgotten, second])
    assert [states.pop(first), states.pop(second)] == ["running", "running"]
    assert states == dict.fromkeys(forgotten, "terminated")


def test_terminate_and_reboot_do_what_they_say(aws: BotoClients) -> None:
    """And neither has an undo, with a reason."""
    first, second = launch(aws, 2, app="shop")
    kill, reboot = TerminateInstances(aws, {}), RebootInstances(aws, {})
    kill.inject(find(aws, ids=first), State())
    assert kill.injected([Resource(first, None, "", None, {})], State())
    reboot.inject(find(aws, ids=second), State())
    assert state_of(aws, [first, second]) == {first: "terminated", second: "running"}
    assert kill.no_undo
    assert reboot.no_undo


def test_every_action_says_what_it_needs_and_why_it_has_no_undo() -> None:
    """The docs, the schema and the IAM policy follow from the class."""
    for kind in Registry().all_actions():
        assert kind.id.count(":") == 2
        assert kind.permissions
        assert kind.__doc__
        assert bool(kind.no_undo) is not hasattr(kind, "revert")
        assert Registry().find_action(kind.id) is kind


def test_another_account_is_refused(aws: BotoClients) -> None:
    """The guard of the environment, by number."""
    assert guard_account(aws, None) == guard_account(aws, "123456789012") == "123456789012"
    with pytest.raises(EnvironmentUnusable, match="allows 999999999999 only"):
        guard_account(aws, "999999999999")


class _Throttling(http.server.BaseHTTPRequestHandler):
    """Throttles the first calls, then says who you are."""

    left = 0
    seen = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        type(self).seen += 1
        throttled = type(self).left > 0
        type(self).left -= 1
        body = (
            b"<ErrorResponse><Error><Code>Throttling</Code><Message>slow</Message></Error>"
            b"</ErrorResponse>"
            if throttled
            else b"<GetCallerIdentityResponse><GetCallerIdentityResult>"
            b"<Account>111111111111</Account>"
            b"</GetCallerIdentityResult></GetCallerIdentityResponse>"
        )
        self.send_response(400 if throttled else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def throttling() -> Iterator[str]:
    """An AWS that throttles; its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Throttling)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_throttled_call_is_made_again(throttling: str) -> None:
    """Until it goes through."""
    _Throttling.left, _Throttling.seen = 3, 0
    clients = connect(Environment(region="us-east-1", endpoint_url=throttling), CREDENTIALS)
    assert guard_account(clients, None) == "111111111111"
    assert _Throttling.seen == 4


def test_a_call_that_stays_throttled_fails_with_the_last_error() -> None:
    """After a bounded time, as what it is."""

    def throttled() -> None:
        raise ClientError({"Error": {"Code": "Throttling", "Message": "slow"}}, "Any")

    began = time.monotonic()
    with pytest.raises(ClientError, match="slow"):
        patiently(throttled, longest_wait=0.5)()
    assert time.monotonic() - began < 10


def test_a_refused_call_is_not_made_again() -> None:
    """Access denied will not change by asking."""
    calls = []

    def denied() -> None:
        calls.append(1)
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "Any")

    with pytest.raises(ClientError, match="no"):
        patiently(denied)()
    assert len(calls) == 1
