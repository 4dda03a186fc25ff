"""Faults of the network, with the names and parameters of AWS FIS.

Source: AWS FIS User Guide, "AWS FIS actions reference", Amazon VPC network actions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from chaos.actions.action import (
    Action,
    ApiCall,
    CannotRevert,
    Parameters,
    Revertible,
    State,
    ToBeKnown,
)
from chaos.aws.network_acl import Entry, deny, narrowed, numbered, own_entries
from chaos.aws.resources import Resource
from chaos.aws.resources.kind import tags_of
from chaos.aws.vpc import (
    acls_by_subnet,
    blocks_of_other_zones,
    blocks_of_prefix_list,
    blocks_of_vpc,
    find_acls,
)
from chaos.model.problems import Refused

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import NetworkAclTypeDef

    Acls = Mapping[str, NetworkAclTypeDef]
    """The network ACL of each subnet, by the subnet's id."""

SUBNET_TAG = "chaos:disrupted-subnet"
"""On the clone: the subnet it was made for."""

ORIGINAL_TAG = "chaos:original-network-acl"
"""On the clone: what the subnet had before and is to have again."""

ASSOCIATION_TAG = "chaos:original-association"
"""On the clone: the association that it took the place of."""


class Scope(StrEnum):
    """Which traffic is denied."""

    ALL = "all"
    AVAILABILITY_ZONE = "availability-zone"
    DYNAMODB = "dynamodb"
    PREFIX_LIST = "prefix-list"
    S3 = "s3"
    VPC = "vpc"


class DisruptConnectivityParameters(Parameters):
    """As in FIS; how long it lasts is the action's `duration`."""

    scope: Scope = Field(
        description="all: whatever enters or leaves the subnet; availability-zone: subnets of the "
        "VPC in other zones; vpc: whatever enters or leaves the VPC; s3, dynamodb: the region's "
        "service; prefix-list: the addresses in one. Traffic inside the subnet goes on."
    )
    prefix_list: str | None = Field(
        default=None,
        alias="prefixListIdentifier",
        description="For scope prefix-list: the list's id, ARN or name.",
    )

    @model_validator(mode="after")
    def _has_a_list_if_it_needs_one(self) -> Self:
        if (self.scope is Scope.PREFIX_LIST) != (self.prefix_list is not None):
            raise ValueError("scope prefix-list, and only that, needs a prefixListIdentifier")
        return self


class DisruptedSubnet(BaseModel):
    """One subnet as it was, and the network ACL that it is to get."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subnet: str
    vpc: str
    network_acl: str
    association: str
    """As it was; it has another id each time it is replaced."""
    entries: tuple[Entry, ...]
    """Of the clone."""

    @property
    def clone(self) -> ToBeKnown:
        """The id that the clone will have."""
        return ToBeKnown(f"clone of {self.network_acl} for {self.subnet}")

    @property
    def swapped(self) -> ToBeKnown:
        """The id that the association with the clone will have."""
        return ToBeKnown(f"association of {self.subnet} with the clone")


class DisruptedSubnets(State):
    """All of them."""

    subnets: tuple[DisruptedSubnet, ...]


class DisruptConnectivity(Action, Revertible):
    """Deny traffic to and from subnets, by a clone of their network ACL with denies first."""

    id = "aws:network:disrupt-connectivity"
    resource = "aws:ec2:subnet"
    permissions = (
        "ec2:CreateNetworkAcl",
        "ec2:CreateNetworkAclEntry",
        "ec2:CreateTags",
        "ec2:DeleteNetworkAcl",
        "ec2:DescribeManagedPrefixLists",
        "ec2:DescribeNetworkAcls",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
        "ec2:GetManagedPrefixListEntries",
        "ec2:ReplaceNetworkAclAssociation",
    )
    Parameters = DisruptConnectivityParameters
    State = DisruptedSubnets

    def capture(self, targets: Sequence[Resource]) -> DisruptedSubnets:
        """The network ACL of each subnet, and the entries of its clone.

        Raises:
            Refused: a subnet is disrupted already.
        """
        acls = acls_by_subnet(self._ec2, [target.id for target in targets])
        return DisruptedSubnets(subnets=tuple(self._disrupted(one, acls) for one in targets))

    def inject_calls(
        self,
        targets: Sequence[Resource],  # noqa: ARG002 - the state says all
        state: DisruptedSubnets,
    ) -> list[ApiCall]:
        """Make all clones first: then the subnets go dark together."""
        made = [call for one in state.subnets for call in _make_clone(one)]
        return [*made, *(_swap(one.association, one.clone) for one in state.subnets)]

    def injected(
        self,
        targets: Sequence[Resource],  # noqa: ARG002
        state: DisruptedSubnets,
    ) -> bool:
        """Whether each subnet has its clone."""
        return all(_is_clone(acl) for acl in self._now(state).values())

    def revert_calls(self, state: DisruptedSubnets) -> list[ApiCall]:
        """The association as it was, and no clone; by id where the clone is there already."""
        now = self._now(state)
        return [call for one in state.subnets for call in self._undo(one, now.get(one.subnet))]

    def revert(self, state: DisruptedSubnets) -> None:
        """Restore the associations and delete the clones; leave what someone else has changed."""
        now = self._now(state)
        troubles = [self._restore(one, now.get(one.subnet)) for one in state.subnets]
        for clone in self._clones(state):
            if not clone["Associations"]:
                self._ec2.delete_network_acl(NetworkAclId=clone["NetworkAclId"])
        if any(troubles):
            raise CannotRevert("; ".join(filter(None, troubles)))

    def verify(self, state: DisruptedSubnets) -> bool:
        """Whether no clone is left, so that no subnet has one instead of its own ACL."""
        return not self._clones(state)

    @property
    def _ec2(self) -> EC2Client:
        client: EC2Client = self.clients.client("ec2")
        return client

    def _disrupted(self, target: Resource, acls: Acls) -> DisruptedSubnet:
        acl = acls[target.id]
        if _is_clone(acl):
            raise Refused(
                f"{target.id} is disrupted already: its network ACL is {acl['NetworkAclId']}, "
                f"which is to give way to {tags_of(acl)[ORIGINAL_TAG]}"
            )
        return DisruptedSubnet(
            subnet=target.id,
            vpc=acl["VpcId"],
            network_acl=acl["NetworkAclId"],
            association=_association(acl, target.id),
            entries=tuple(numbered(self._entries(target, acl))),
        )

    def _entries(self, target: Resource, acl: NetworkAclTypeDef) -> Iterator[Entry]:
        """The clone's entries, in order. What `all` denies needs no look at the original's."""
        scope, original = self.parameters.scope, own_entries(acl)
        if scope is Scope.ALL:
            yield from deny(["0.0.0.0/0"])
        elif scope is Scope.VPC:
            yield from narrowed(original, blocks_of_vpc(self._ec2, acl["VpcId"]))
        else:
            yield from deny(self._denied_blocks(target, acl["VpcId"]))
            yield from original

    def _denied_blocks(self, target: Resource, vpc: str) -> list[str]:
        match self.parameters.scope:
            case Scope.AVAILABILITY_ZONE:
                return blocks_of_other_zones(self._ec2, vpc, target.zone)
            case Scope.PREFIX_LIST:
                return blocks_of_prefix_list(self._ec2, self.parameters.prefix_list)
            case service:
                region = self._ec2.meta.region_name
                return blocks_of_prefix_list(self._ec2, f"com.amazonaws.{region}.{service}")

    def _restore(self, one: DisruptedSubnet, acl: NetworkAclTypeDef | None) -> str:
        """Give a subnet its own ACL back if it has the clone; why not, where that cannot be."""
        if acl is None:
            return f"{one.subnet} is gone"
        if acl["NetworkAclId"] == one.network_acl:
            return ""
        if not _is_clone(acl):
            return f"{one.subnet} was given {acl['NetworkAclId']} by someone else; it is left so"
        if not self._exists(one):
            return f"{one.subnet} cannot get {one.network_acl} back: it was deleted"
        association = _association(acl, one.subnet)
        _swap(association, one.network_acl).make(self.clients)
        return ""

    def _undo(self, one: DisruptedSubnet, acl: NetworkAclTypeDef | None) -> list[ApiCall]:
        clone: str | ToBeKnown = one.clone
        association: str | ToBeKnown = one.swapped
        if acl is not None and _is_clone(acl):
            clone, association = acl["NetworkAclId"], _association(acl, one.subnet)
        return [
            _swap(association, one.network_acl),
            ApiCall("ec2", "delete_network_acl", {"NetworkAclId": clone}),
        ]

    def _now(self, state: DisruptedSubnets) -> Acls:
        return acls_by_subnet(self._ec2, [one.subnet for one in state.subnets])

    def _exists(self, one: DisruptedSubnet) -> bool:
        """Whether the original is there."""
        of_the_vpc = find_acls(self._ec2, "vpc-id", [one.vpc])
        return any(acl["NetworkAclId"] == one.network_acl for acl in of_the_vpc)

    def _clones(self, state: DisruptedSubnets) -> list[NetworkAclTypeDef]:
        subnets = [one.subnet for one in state.subnets]
        return list(find_acls(self._ec2, f"tag:{SUBNET_TAG}", subnets)) if subnets else []


def _is_clone(acl: NetworkAclTypeDef) -> bool:
    return SUBNET_TAG in tags_of(acl)


def _make_clone(one: DisruptedSubnet) -> Iterator[ApiCall]:
    """Tags come with the creation: there is no moment in which a clone is not known as one."""
    tags = {
        SUBNET_TAG: one.subnet,
        ORIGINAL_TAG: one.network_acl,
        ASSOCIATION_TAG: one.association,
    }
    tagged = [{"Key": key, "Value": value} for key, value in tags.items()]
    yield ApiCall(
        "ec2",
        "create_network_acl",
        {
            "VpcId": one.vpc,
            "TagSpecifications": [{"ResourceType": "network-acl", "Tags": tagged}],
        },
        gives={one.clone: "NetworkAcl.NetworkAclId"},
    )
    for entry in one.entries:
        yield ApiCall("ec2", "create_network_acl_entry", {"NetworkAclId": one.clone, **entry})


def _swap(association: str | ToBeKnown, network_acl: str | ToBeKnown) -> ApiCall:
    return ApiCall(
        "ec2",
        "replace_network_acl_association",
        {"AssociationId": association, "NetworkAclId": network_acl},
    )


def _association(acl: NetworkAclTypeDef, subnet: str) -> str:
    return next(
        association["NetworkAclAssociationId"]
        for association in acl["Associations"]
        if association["SubnetId"] == subnet
    )
