"""What the credentials may not do is known before anything is touched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chaos.actions.registry import Registry
from chaos.engine.environment import OpenEnvironment
from chaos.engine.plan import Plan, make_plan
from chaos.engine.preflight import require_permissions
from chaos.model.loading import load_experiment
from chaos.model.problems import EnvironmentUnusable

STOP = """
title: Two stop
targets: {two: {type: aws:ec2:instance, tags: {app: shop}}}
actions: {stop: {action: aws:ec2:stop-instances, targets: two, duration: 10s}}
"""
ROLE = "arn:aws:iam::123456789012:role/team/chaos"
SESSION = "arn:aws:sts::123456789012:assumed-role/chaos/me"
READS = {"sts:GetCallerIdentity": "*", "ec2:DescribeInstances": "*"}
CHANGES = ("ec2:StopInstances", "ec2:StartInstances")


def refused(code: str) -> ClientError:
    """As AWS refuses."""
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Operation")


class Account:
    """An account whose IAM and EC2 answer as the real ones do; a client of all its services."""

    def __init__(self) -> None:
        self.who = SESSION
        self.allowed: dict[str, str] = dict(READS)
        """On which ARN (or all) each action is allowed."""
        self.tags: dict[str, str] = {}
        """What `aws:ResourceTag` has to be for changes."""
        self.asks_may = True
        """Whether the caller may ask IAM."""
        self.changed: list[str] = []
        self.asked_about: list[str] = []

    def client(self, _service: str) -> Account:
        return self

    def get_caller_identity(self) -> dict[str, str]:
        return {"Arn": self.who, "Account": "123456789012"}

    def get_role(self, RoleName: str) -> dict[str, Any]:  # noqa: N803
        if not self.asks_may:
            raise refused("AccessDenied")
        return {"Role": {"Arn": f"arn:aws:iam::123456789012:role/team/{RoleName}"}}

    def get_paginator(self, operation: str) -> Any:
        return {"describe_instances": Instances(), "simulate_principal_policy": Simulator(self)}[
            operation
        ]

    def may(self, action: str, resource: str, tags: dict[str, str]) -> bool:
        on = self.allowed.get(action)
        tagged = action in READS or self.tags.items() <= tags.items()
        return on in {"*", resource} and tagged

    def stop_instances(self, InstanceIds: list[str], DryRun: bool) -> None:  # noqa: N803
        self._dry("ec2:StopInstances", InstanceIds, DryRun)

    def start_instances(self, InstanceIds: list[str], DryRun: bool) -> None:  # noqa: N803
        self._dry("ec2:StartInstances", InstanceIds, DryRun)

    def _dry(self, action: str, ids: list[str], dry: bool) -> None:
        if not dry:
            self.changed += ids
        may = all(self.may(action, instance(one), {"app": "shop"}) for one in ids)
        raise refused("DryRunOperation" if may else "UnauthorizedOperation")


class Instances:
    """Two that run."""

    def paginate(self, **which: Any) -> Iterator[dict[str, Any]]:
        by_filter = (f["Values"] for f in which.get("Filters", ()) if f["Name"] == "instance-id")
        wanted = which.get("InstanceIds") or next(by_filter, ["i-1", "i-2"])
        found: list[dict[str, Any]] = [
            {"InstanceId": name, "State": {"Name": "running"}, "Tags": []} for name in wanted
        ]
        yield {"Reservations": [{"Instances": found}]}


class Simulator:
    """SimulatePrincipalPolicy, in pages of one."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def paginate(
        self,
        *,
        PolicySourceArn: str,  # noqa: N803
        ActionNames: list[str],  # noqa: N803
        ResourceArns: list[str],  # noqa: N803
        ContextEntries: list[dict[str, Any]],  # noqa: N803
    ) -> Iterator[dict[str, Any]]:
        if not self.account.asks_may:
            raise refused("AccessDenied")
        self.account.asked_about.append(PolicySourceArn)
        tags = {
            entry["ContextKeyName"].removeprefix("aws:ResourceTag/"): entry["ContextKeyValues"][0]
            for entry in ContextEntries
        }
        for action in ActionNames:
            for resource in ResourceArns:
                may = self.account.may(action, resource, tags)
                decision = "allowed" if may else "implicitDeny"
                yield {"EvaluationResults": [{"EvalActionName": action, "EvalDecision": decision}]}


def instance(name: str) -> str:
    """Its ARN."""
    return f"arn:aws:ec2:eu-west-1:123456789012:instance/{name}"


@pytest.fixture
def account() -> Account:
    """One in which nothing may be changed."""
    return Account()


def planned(account: Account, directory: Path, experiment: str = STOP) -> Plan:
    """The plan of an experiment in that account."""
    file = directory / "experiment.yaml"
    file.write_text(experiment)
    environment = OpenEnvironment(
        "staging",
        None,
        account,
        account="123456789012",
        region="eu-west-1",
        check_permissions=True,
    )
    return make_plan(load_experiment(file, Registry()).experiment, environment, seed=1)


def test_a_missing_permission_is_named_before_anything_is_touched(
    account: Account, tmp_path: Path
) -> None:
    """All that are missing, those of the undo as well."""
    plan = planned(account, tmp_path)
    with pytest.raises(
        EnvironmentUnusable,
        match="is not allowed: ec2:StartInstances, ec2:StopInstances; chaos iam",
    ):
        require_permissions(plan)
    account.allowed["ec2:StopInstances"] = "*"
    with pytest.raises(EnvironmentUnusable, match="is not allowed: ec2:StartInstances; "):
        require_permissions(plan)
    account.allowed["ec2:StartInstances"] = "*"
    assert require_permissions(plan) == ""
    assert account.changed == []


def test_a_policy_that_looks_at_the_targets_tags_is_enough(
    account: Account, tmp_path: Path
) -> None:
    """As `chaos iam` prints it."""
    account.allowed |= dict.fromkeys(CHANGES, "*")
    account.tags = {"app": "shop"}
    assert require_permissions(planned(account, tmp_path)) == ""
    account.tags = {"app": "bank"}
    with pytest.raises(EnvironmentUnusable, match="ec2:StopInstances"):
        require_permissions(planned(account, tmp_path))


def test_a_policy_for_the_very_resources_is_enough(account: Account, tmp_path: Path) -> None:
    """Not one for one of two."""
    account.allowed |= dict.fromkeys(CHANGES, instance("i-1"))
    with pytest.raises(EnvironmentUnusable, match="ec2:StopInstances"):
        require_permissions(planned(account, tmp_path))
    one = STOP.replace("tags: {app: shop}", "ids: i-1")
    assert require_permissions(planned(account, tmp_path, one)) == ""


@pytest.mark.parametrize(
    ("who", "asked_about"),
    [
        (SESSION, ROLE),
        ("arn:aws:iam::123456789012:user/ann", "arn:aws:iam::123456789012:user/ann"),
    ],
)
def test_the_policies_of_the_role_behind_a_session_are_asked_for(
    account: Account, tmp_path: Path, who: str, asked_about: str
) -> None:
    """With the role's path, which the session does not say."""
    account.who = who
    account.allowed |= dict.fromkeys(CHANGES, "*")
    require_permissions(planned(account, tmp_path))
    assert set(account.asked_about) == {asked_about}


def test_where_iam_does_not_let_itself_be_asked_ec2_is(account: Account, tmp_path: Path) -> None:
    """By a dry run of the very calls of the plan, undo included, which changes nothing."""
    account.asks_may = False
    account.allowed["ec2:StopInstances"] = "*"
    plan = planned(account, tmp_path)
    with pytest.raises(EnvironmentUnusable, match="is not allowed: ec2:StartInstances; "):
        require_permissions(plan)
    account.allowed["ec2:StartInstances"] = "*"
    assert require_permissions(plan) == ""
    assert account.changed == []


def test_what_nobody_tells_is_said_in_one_line(account: Account, tmp_path: Path) -> None:
    """And the run may go on."""
    account.asks_may = False
    account.allowed |= dict.fromkeys(CHANGES, "*")
    alarm = "steady_state: [{alarm: shop-5xx}]"
    said = require_permissions(planned(account, tmp_path, STOP + alarm))
    assert said.startswith("not checked whether cloudwatch:DescribeAlarms are allowed")
    assert "AccessDenied" in said
    assert "\n" not in said


def test_nothing_is_asked_where_the_environment_says_so(account: Account, tmp_path: Path) -> None:
    """As in the lab, and where `check_permissions` is false."""
    plan = planned(account, tmp_path)
    unasked = OpenEnvironment("lab", None, account)
    assert require_permissions(Plan(plan.experiment, unasked, 1, plan.actions)) == ""
