"""Denying actions to roles: for a while, whatever happens, and nothing else of the role changes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from chaos.actions.action import CannotRevert
from chaos.actions.iam import DeniedActions, DenyActions
from chaos.aws.clients import BotoClients
from chaos.aws.resources import Resource
from chaos.aws.targets import resolve
from chaos.engine.dead_mans_switch import NoSafeguard
from chaos.engine.fault import EXPIRES_AFTER, Fault
from chaos.engine.journal import AnyRecord, Captured
from chaos.engine.plan import PlannedAction
from chaos.model.experiment import Target
from chaos.model.problems import Refused
from tests.simulation import START, SimulatedClock

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

ROLE = "aws:iam:role"
DYNAMO = {"actions": ["dynamodb:*"]}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
READS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*"}],
}


def make_role(aws: BotoClients, name: str, **more: Any) -> None:
    """A role of the shop with a policy of its own."""
    iam: IAMClient = aws.client("iam")
    iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps(TRUST),
        Tags=[{"Key": "app", "Value": "shop"}, {"Key": "Name", "Value": f"the {name}"}],
        **more,
    )
    iam.put_role_policy(RoleName=name, PolicyName="reads", PolicyDocument=json.dumps(READS))


def policies_of(aws: BotoClients, role: str) -> dict[str, Any]:
    """A role's inline policies, by name."""
    iam: IAMClient = aws.client("iam")
    return {
        name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    }


def find(aws: BotoClients, **declared: object) -> tuple[Resource, ...]:
    """What a target means."""
    return resolve(Target.model_validate({"type": ROLE, **declared}), aws, seed=1)


def inject(aws: BotoClients, *roles: str) -> tuple[DenyActions, DeniedActions]:
    """Deny DynamoDB to them for the next hour."""
    action = DenyActions(aws, DYNAMO)
    targets = find(aws, ids=list(roles))
    state = action.expiring(action.capture(targets), datetime.now(UTC).timestamp() + 3600)
    action.inject(targets, state)
    assert action.injected(targets, state)
    return action, state


def test_roles_are_found_by_tags_name_and_arn(aws: BotoClients) -> None:
    """But none that belongs to a service of AWS: nobody can change those."""
    make_role(aws, "orders")
    make_role(aws, "carts")
    aws.client("iam").create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com")
    assert [one.id for one in find(aws, tags={"app": "shop"})] == ["carts", "orders"]
    (found,) = find(aws, ids="orders")
    assert (found.name, found.zone, found.group) == ("the orders", None, None)
    assert find(aws, ids=found.description["Arn"]) == (found,)
    assert not [one for one in find(aws, filters={"Path": "/"}) if "ServiceRole" in one.id]


def test_the_policy_is_there_for_a_while_and_nothing_else_changes(aws: BotoClients) -> None:
    """It denies what is asked for; undoing twice is undoing once."""
    make_role(aws, "orders")
    before = policies_of(aws, "orders")
    action, state = inject(aws, "orders")
    (added,) = policies_of(aws, "orders").keys() - before.keys()
    (statement,) = policies_of(aws, "orders")[added]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Deny", ["dynamodb:*"])
    assert not action.verify(state)
    for _ in range(2):
        action.revert(state)
        assert action.verify(state)
        assert policies_of(aws, "orders") == before


class Records:
    """A journal in memory."""

    def __init__(self) -> None:
        self.written: list[AnyRecord] = []

    def write(self, record: AnyRecord) -> None:
        self.written.append(record)


def test_the_policy_ends_by_itself_soon_after_the_planned_end(aws: BotoClients) -> None:
    """The moment is known before the injection, and in the journal with the rest of the undo."""
    make_role(aws, "orders")
    action, targets, journal = DenyActions(aws, DYNAMO), find(aws, ids="orders"), Records()
    planned = PlannedAction("deny", action, targets, 0.0, (), 300.0, (), ())
    Fault(planned, journal, SimulatedClock(), NoSafeguard()).inject()
    (captured,) = (one for one in journal.written if isinstance(one, Captured))
    (policy,) = [
        document for name, document in policies_of(aws, "orders").items() if name != "reads"
    ]
    assert json.loads(captured.state["document"]) == policy
    until = policy["Statement"][0]["Condition"]["DateLessThan"]["aws:CurrentTime"]
    assert datetime.fromisoformat(until).timestamp() == START + 300 + EXPIRES_AFTER


def test_a_plan_is_the_same_each_time_it_is_made(aws: BotoClients) -> None:
    """So a saved one can be compared: the moment of the end is not in it, the policy's name is."""
    make_role(aws, "orders")
    targets = find(aws, ids="orders")
    calls = [
        [*action.inject_calls(targets, state), *action.revert_calls(state)]
        for action in (DenyActions(aws, DYNAMO), DenyActions(aws, DYNAMO))
        if (state := action.capture(targets))
    ]
    assert calls[0] == calls[1]
    assert "planned end" in str(calls[0][0])


def test_a_policy_that_someone_else_has_changed_is_reported_and_left(aws: BotoClients) -> None:
    """So is a role that is gone; the others are undone all the same."""
    for name in ("orders", "carts", "doomed"):
        make_role(aws, name)
    action, state = inject(aws, "carts", "doomed", "orders")
    iam: IAMClient = aws.client("iam")
    theirs = json.dumps(READS)
    iam.put_role_policy(RoleName="carts", PolicyName=state.policy, PolicyDocument=theirs)
    for name in ("reads", state.policy):
        iam.delete_role_policy(RoleName="doomed", PolicyName=name)
    iam.delete_role(RoleName="doomed")
    with pytest.raises(CannotRevert, match=r"role carts was changed.*; role doomed is gone"):
        action.revert(state)
    assert policies_of(aws, "carts")[state.policy] == READS
    assert list(policies_of(aws, "orders")) == ["reads"]
    assert action.verify(state)


def test_a_role_that_is_denied_already_is_not_denied_again(aws: BotoClients) -> None:
    """Else the undo of one would end the other; other actions may be denied to it."""
    make_role(aws, "orders")
    inject(aws, "orders")
    with pytest.raises(Refused, match="orders has a policy chaos-deny-"):
        inject(aws, "orders")
    DenyActions(aws, {"actions": ["s3:*"]}).capture(find(aws, ids="orders"))


def test_the_role_that_the_runner_acts_as_is_refused(aws: BotoClients) -> None:
    """It could deny itself the undo."""
    make_role(aws, "runner")
    arn = find(aws, ids="runner")[0].description["Arn"]
    given = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="chaos")["Credentials"]
    import boto3

    session = boto3.Session(
        given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], "us-east-1"
    )
    acting = BotoClients(session, aws.client("iam").meta.endpoint_url)
    with pytest.raises(Refused, match="acts as role runner"):
        DenyActions(acting, DYNAMO).capture(find(aws, ids="runner"))


@pytest.mark.parametrize("wrong", [[], ["dynamodb"], ["dynamodb:Get Item"], ["dynamodb:"]])
def test_what_is_denied_is_named_as_policies_name_it(wrong: list[str]) -> None:
    """Anything else is an error in the file."""
    with pytest.raises(ValidationError):
        DenyActions.Parameters.model_validate({"actions": wrong})


def test_only_tagged_roles_may_be_changed_by_the_policy_of_an_experiment(tmp_path: Path) -> None:
    """For whoever may put policies on a role may give it any right."""
    from chaos.actions.registry import Registry
    from chaos.engine.iam import policy_for
    from chaos.model.loading import load_experiment

    file = tmp_path / "deny.yaml"
    file.write_text(
        "title: Deny\n"
        "targets: {roles: {type: aws:iam:role, tags: {app: shop}}}\n"
        "actions:\n"
        "  deny: {action: aws:iam:deny-actions, targets: roles, parameters: {actions: ['s3:*']}}\n"
    )
    policy = policy_for([load_experiment(file, Registry()).experiment])
    changes = [one for one in policy["Statement"] if "iam:PutRolePolicy" in one["Action"]]
    assert [one["Condition"] for one in changes] == [
        {"StringEquals": {"aws:ResourceTag/app": "shop"}}
    ]
