"""Faults of permissions.

FIS makes the calls of a role fail by `aws:fis:inject-api-...-error`, which only FIS can; a policy
that denies them is what everybody can put there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from chaos.actions.action import (
    Action,
    ApiCall,
    CannotRevert,
    Expiring,
    Parameters,
    Revertible,
    State,
)
from chaos.aws.factory import ClientFactory
from chaos.aws.resources import Resource
from chaos.model.problems import Refused

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

ActionPattern = Annotated[str, Field(pattern=r"^(\*|[a-zA-Z0-9-]+:[a-zA-Z0-9*?]+)$")]


class DenyActionsParameters(Parameters):
    """How long they are denied is the action's `duration`."""

    actions: tuple[ActionPattern, ...] = Field(
        min_length=1, description="What is denied, as policies name it: `dynamodb:*`."
    )


class DeniedActions(State):
    """The policy, and the roles that are to have it for a while."""

    roles: tuple[str, ...]
    policy: str
    """Its name."""
    document: str
    """JSON."""


class DenyActions(Action, Revertible, Expiring):
    """Deny actions to roles, by an inline policy that ends by itself soon after its time.

    IAM takes some seconds until a policy has its effect everywhere, either way. Whoever may put
    policies on a role may give it any right: let the runner do so only with roles of certain tags,
    as the policy of `chaos iam` does.
    """

    id = "aws:iam:deny-actions"
    resource = "aws:iam:role"
    permissions = (
        "iam:DeleteRolePolicy",
        "iam:GetRole",
        "iam:GetRolePolicy",
        "iam:ListRoleTags",
        "iam:ListRoles",
        "iam:PutRolePolicy",
        "sts:GetCallerIdentity",
    )
    Parameters = DenyActionsParameters
    State = DeniedActions

    def capture(self, targets: Sequence[Resource]) -> DeniedActions:
        """The policy, which a plan shows without the moment of its end.

        Raises:
            Refused: a role has such a policy already, or is what this process itself acts as.
        """
        policy = self._name()
        for target in targets:
            if target.id == _own_role(self.clients):
                raise Refused(f"this process acts as role {target.id}: it might not put it back")
            if self._policy(target.id, policy) is not None:
                raise Refused(
                    f"role {target.id} has a policy {policy} already, "
                    "which a run that was cut off may have left: chaos recover deletes it"
                )
        document = self._document("<its planned end and a grace>")
        roles = tuple(target.id for target in targets)
        return DeniedActions(roles=roles, policy=policy, document=document)

    def expiring(self, state: DeniedActions, at: float) -> DeniedActions:
        """The same with a policy that denies nothing any more from then on."""
        moment = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return state.model_copy(update={"document": self._document(moment)})

    def inject_calls(
        self,
        targets: Sequence[Resource],  # noqa: ARG002 - the state says all
        state: DeniedActions,
    ) -> list[ApiCall]:
        """One PutRolePolicy for each."""
        return [
            _call("put_role_policy", role, state, PolicyDocument=state.document)
            for role in state.roles
        ]

    def injected(
        self,
        targets: Sequence[Resource],  # noqa: ARG002
        state: DeniedActions,
    ) -> bool:
        """Whether each role has the policy."""
        return all(self._has(role, state) for role in state.roles)

    def revert_calls(self, state: DeniedActions) -> list[ApiCall]:
        """One DeleteRolePolicy for each."""
        return [_call("delete_role_policy", role, state) for role in state.roles]

    def revert(self, state: DeniedActions) -> None:
        """Delete the policies; one that someone else has changed is theirs and stays."""
        troubles = [trouble for role in state.roles if (trouble := self._restore(role, state))]
        if troubles:
            raise CannotRevert("; ".join(troubles))

    def verify(self, state: DeniedActions) -> bool:
        """Whether no role has the policy any more."""
        return not any(self._has(role, state) for role in state.roles)

    @property
    def _iam(self) -> IAMClient:
        client: IAMClient = self.clients.client("iam")
        return client

    def _name(self) -> str:
        """The same for the same actions, so that a plan is the same each time it is made."""
        listed = " ".join(sorted(self.parameters.actions))
        return f"chaos-deny-{hashlib.sha256(listed.encode()).hexdigest()[:8]}"

    def _document(self, until: str) -> str:
        statement = {
            "Effect": "Deny",
            "Action": list(self.parameters.actions),
            "Resource": "*",
            "Condition": {"DateLessThan": {"aws:CurrentTime": until}},
        }
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    def _restore(self, role: str, state: DeniedActions) -> str:
        """Delete the policy if it is ours; why not, where that cannot be."""
        if self._has(role, state):
            _call("delete_role_policy", role, state).make(self.clients)
        elif self._policy(role, state.policy) is not None:
            return f"policy {state.policy} of role {role} was changed by someone else; it is left"
        elif not self._exists(role):
            return f"role {role} is gone"
        return ""

    def _has(self, role: str, state: DeniedActions) -> bool:
        return bool(self._policy(role, state.policy) == json.loads(state.document))

    def _policy(self, role: str, name: str) -> Mapping[str, Any] | None:
        """The document of a role's policy; None where there is none, or no role."""
        try:
            found = self._iam.get_role_policy(RoleName=role, PolicyName=name)
        except self._iam.exceptions.NoSuchEntityException:
            return None
        document: Any = found["PolicyDocument"]  # which boto3 has parsed
        return dict(document)

    def _exists(self, role: str) -> bool:
        try:
            self._iam.get_role(RoleName=role)
        except self._iam.exceptions.NoSuchEntityException:
            return False
        return True


def _own_role(clients: ClientFactory) -> str:
    """The name of the role that these clients act as; empty where they act as a user."""
    arn: str = clients.client("sts").get_caller_identity()["Arn"]
    kind, _, rest = arn.rpartition(":")[2].partition("/")
    return rest.split("/")[0] if kind == "assumed-role" else ""


def _call(operation: str, role: str, state: DeniedActions, **more: str) -> ApiCall:
    return ApiCall("iam", operation, {"RoleName": role, "PolicyName": state.policy, **more})
