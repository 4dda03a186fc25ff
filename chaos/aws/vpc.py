"""What EC2 tells of VPCs: their network ACLs, and the address blocks of their parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from chaos.model.problems import Refused

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import FilterTypeDef, NetworkAclTypeDef


def find_acls(ec2: EC2Client, name: str, values: Sequence[str]) -> Iterator[NetworkAclTypeDef]:
    """The network ACLs that a filter of DescribeNetworkAcls finds."""
    wanted: FilterTypeDef = {"Name": name, "Values": list(values)}
    for page in ec2.get_paginator("describe_network_acls").paginate(Filters=[wanted]):
        yield from page["NetworkAcls"]


def acls_by_subnet(ec2: EC2Client, subnets: Sequence[str]) -> dict[str, NetworkAclTypeDef]:
    """The network ACL of each subnet; a subnet that is gone has none.

    All ACLs are asked for, which are few: moto does not find one by some of several subnets.
    """
    if not subnets:
        return {}
    pages = ec2.get_paginator("describe_network_acls").paginate()
    return {
        association["SubnetId"]: acl
        for page in pages
        for acl in page["NetworkAcls"]
        for association in acl["Associations"]
        if association["SubnetId"] in subnets
    }


def zones_of_subnets(ec2: EC2Client, subnets: Sequence[str]) -> dict[str, str]:
    """The Availability Zone of each subnet; one that is gone has none."""
    if not subnets:
        return {}
    by_id: FilterTypeDef = {"Name": "subnet-id", "Values": sorted(set(subnets))}
    pages = ec2.get_paginator("describe_subnets").paginate(Filters=[by_id])
    return {one["SubnetId"]: one["AvailabilityZone"] for page in pages for one in page["Subnets"]}


def blocks_of_vpc(ec2: EC2Client, vpc: str) -> list[str]:
    """The address blocks of a VPC, IPv4 and IPv6."""
    (found,) = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]
    ipv4 = [one["CidrBlock"] for one in found.get("CidrBlockAssociationSet", ())]
    ipv6 = [one["Ipv6CidrBlock"] for one in found.get("Ipv6CidrBlockAssociationSet", ())]
    return [*(ipv4 or [found["CidrBlock"]]), *ipv6]


def blocks_of_other_zones(ec2: EC2Client, vpc: str, zone: str | None) -> list[str]:
    """The address blocks of a VPC's subnets that are not in that Availability Zone."""
    by_vpc: FilterTypeDef = {"Name": "vpc-id", "Values": [vpc]}
    return [
        block
        for page in ec2.get_paginator("describe_subnets").paginate(Filters=[by_vpc])
        for subnet in page["Subnets"]
        if subnet["AvailabilityZone"] != zone
        for block in (
            subnet["CidrBlock"],
            *(one["Ipv6CidrBlock"] for one in subnet.get("Ipv6CidrBlockAssociationSet", ())),
        )
    ]


def blocks_of_prefix_list(ec2: EC2Client, identifier: str) -> list[str]:
    """The address blocks of a managed prefix list, by its id, ARN or name.

    Raises:
        Refused: there is no such list.
    """
    by_id = identifier.rpartition("/")[2]
    name = "prefix-list-id" if by_id.startswith("pl-") else "prefix-list-name"
    wanted: FilterTypeDef = {"Name": name, "Values": [by_id]}
    pages = ec2.get_paginator("describe_managed_prefix_lists").paginate(Filters=[wanted])
    found = [one["PrefixListId"] for page in pages for one in page["PrefixLists"]]
    if not found:
        raise Refused(f"there is no managed prefix list {identifier}")
    entries = ec2.get_paginator("get_managed_prefix_list_entries")
    return [
        entry["Cidr"]
        for page in entries.paginate(PrefixListId=found[0])
        for entry in page["Entries"]
    ]
