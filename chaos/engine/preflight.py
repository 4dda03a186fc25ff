"""Whether the credentials may do all that a run will need, asked before anything is touched.

IAM is asked to simulate the caller's own policies; where it does not let itself be asked, EC2 is
asked to say whether it would carry out the very calls of the plan, without doing it.

Sources: AWS Identity and Access Management API Reference, "SimulatePrincipalPolicy"; Amazon EC2
API Reference, "Common query parameters", DryRun.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from chaos.actions.action import ApiCall, ToBeKnown
from chaos.aws.factory import ClientFactory
from chaos.aws.resources import Resource
from chaos.engine.iam import permissions_of
from chaos.engine.plan import Plan
from chaos.model.problems import EnvironmentUnusable

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_iam.type_defs import ContextEntryTypeDef

Tags = tuple[tuple[str, str], ...]

_ASSUMED = re.compile(r"arn:([\w-]+):sts::(\d+):assumed-role/([^/]+)/.+")
_ARN_KEYS = ("Arn", "ARN", "AutoScalingGroupARN", "DBClusterArn", "DBInstanceArn", "SubnetArn")
"""Where AWS's descriptions of resources have their ARN."""


def require_permissions(plan: Plan) -> str:
    """Go on only where no permission is known to be missing.

    Returns what could not be checked, in one line; empty where everything was.

    Raises:
        EnvironmentUnusable: with the permissions that are missing.
    """
    clients = plan.environment.clients
    if clients is None or not plan.environment.check_permissions or not plan.actions:
        return ""
    who = str(clients.client("sts").get_caller_identity()["Arn"])
    try:
        missing, unchecked = sorted(_denied_by_simulation(plan, clients, who)), ""
    except Exception as error:  # noqa: BLE001 - refused, or a principal that has no policies
        missing, unknown = _denied_by_dry_run(plan, clients)
        asked = f"IAM does not say what {who} may do: {error}"
        unchecked = f"not checked whether {', '.join(unknown)} are allowed ({asked})"
        unchecked = unchecked if unknown else ""
    if missing:
        raise EnvironmentUnusable(
            f"{who} is not allowed: {', '.join(missing)}; "
            "chaos iam prints the policy that is needed"
        )
    return unchecked


def _denied_by_simulation(plan: Plan, clients: ClientFactory, who: str) -> Iterator[str]:
    iam: IAMClient = clients.client("iam")
    principal = _principal(iam, who)
    by_tags: defaultdict[Tags, set[str]] = defaultdict(set)
    for permission in permissions_of(plan.experiment):
        by_tags[permission.tags].add(permission.action)
    partition = who.split(":")[1]
    where = f"arn:{partition}:ec2:{plan.environment.region}:{plan.environment.account}"
    targets = {target.id: target for planned in plan.actions for target in planned.targets}
    arns = [arn for target in targets.values() for arn in _arns(target, where)]
    for tags, actions in by_tags.items():
        denied = _simulate(iam, principal, actions, tags, ["*"])
        if denied and arns:  # a policy may allow it on these very resources only
            denied = _simulate(iam, principal, denied, tags, arns)
        yield from denied


def _simulate(
    iam: IAMClient, principal: str, actions: Collection[str], tags: Tags, arns: Sequence[str]
) -> set[str]:
    """Those of the actions that are not allowed on all of the resources."""
    context: list[ContextEntryTypeDef] = [
        {
            "ContextKeyName": f"aws:ResourceTag/{key}",
            "ContextKeyType": "string",
            "ContextKeyValues": [value],
        }
        for key, value in tags
    ]
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=principal,
        ActionNames=sorted(actions),
        ResourceArns=arns,
        ContextEntries=context,
    )
    results = [result for page in pages for result in page["EvaluationResults"]]
    return {one["EvalActionName"] for one in results if one["EvalDecision"] != "allowed"}


def _principal(iam: IAMClient, who: str) -> str:
    """Whose policies count: of an assumed role, the role's, whose path its session does not say."""
    found = _ASSUMED.fullmatch(who)
    if not found:
        return who
    try:
        return iam.get_role(RoleName=found[3])["Role"]["Arn"]
    except Exception:  # noqa: BLE001 - few roles may read themselves, and few have a path
        return f"arn:{found[1]}:iam::{found[2]}:role/{found[3]}"


def _arns(resource: Resource, where: str) -> Iterator[str]:
    """The ARN of a resource, which of an instance is the one that no description tells."""
    if resource.id.startswith("i-"):
        yield f"{where}:instance/{resource.id}"
    yield from (str(resource.description[key]) for key in _ARN_KEYS if key in resource.description)


def _denied_by_dry_run(plan: Plan, clients: ClientFactory) -> tuple[list[str], list[str]]:
    """The permissions that are missing, and those of which nothing is known."""
    needed = {permission.action for permission in permissions_of(plan.experiment)}
    answers: dict[str, bool | None] = {}
    for planned in plan.actions:
        for call in (*planned.inject_calls, *planned.revert_calls):
            if call.service == "ec2":
                name = "".join(word.capitalize() for word in call.operation.split("_"))
                answers[f"ec2:{name}"] = _would_be_done(clients, call)
    read = {action for action in needed if action.startswith(("ec2:Describe", "sts:"))}
    unknown = needed - read - {action for action, answer in answers.items() if answer is not None}
    return sorted(a for a, answer in answers.items() if answer is False), sorted(unknown)


def _would_be_done(clients: ClientFactory, call: ApiCall) -> bool | None:
    """Whether EC2 would allow it; None where it does not say."""
    from botocore.exceptions import BotoCoreError, ClientError

    if any(isinstance(value, ToBeKnown) for value in call.parameters.values()):
        return None
    try:
        getattr(clients.client("ec2"), call.operation)(**call.parameters, DryRun=True)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code")
        return {"DryRunOperation": True, "UnauthorizedOperation": False}.get(str(code))
    except BotoCoreError:
        return None
    return True
