"""Denying traffic to subnets: the network ACLs are as before afterwards, whatever happened."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from chaos.actions.action import ApiCall, CannotRevert, Known
from chaos.actions.network import DisruptConnectivity, DisruptedSubnets
from chaos.aws.clients import BotoClients
from chaos.aws.network_acl import narrowed, numbered
from chaos.aws.resources import Resource
from chaos.aws.targets import resolve
from chaos.model.experiment import Target
from chaos.model.problems import Refused

ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")
ANY = "0.0.0.0/0"


def make_vpc(aws: BotoClients, subnets: int = 4) -> tuple[str, list[str]]:
    """A VPC with tagged subnets, one zone after the other."""
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    tagged = [{"ResourceType": "subnet", "Tags": [{"Key": "app", "Value": "shop"}]}]
    ids = [
        ec2.create_subnet(
            VpcId=vpc,
            CidrBlock=f"10.0.{number}.0/24",
            AvailabilityZone=ZONES[number % 3],
            TagSpecifications=tagged,
        )["Subnet"]["SubnetId"]
        for number in range(subnets)
    ]
    return vpc, ids


def find(aws: BotoClients, **declared: object) -> tuple[Resource, ...]:
    """What a target means."""
    target = Target.model_validate({"type": "aws:ec2:subnet", **declared})
    return resolve(target, aws, seed=1)


def acl_of(aws: BotoClients, subnet: str) -> dict[str, Any]:
    """The network ACL of a subnet."""
    wanted = [{"Name": "association.subnet-id", "Values": [subnet]}]
    (acl,) = aws.client("ec2").describe_network_acls(Filters=wanted)["NetworkAcls"]
    return dict(acl)


def picture(aws: BotoClients, vpc: str) -> list[dict[str, Any]]:
    """All that AWS says of a VPC's network ACLs, but for the ids of associations."""
    wanted = [{"Name": "vpc-id", "Values": [vpc]}]
    acls = aws.client("ec2").describe_network_acls(Filters=wanted)["NetworkAcls"]
    return sorted(
        (
            {**acl, "Associations": sorted(one["SubnetId"] for one in acl["Associations"])}
            for acl in acls
        ),
        key=lambda acl: str(acl["NetworkAclId"]),
    )


def give_own_acl(aws: BotoClients, vpc: str, subnet: str, **rule: Any) -> str:
    """Give a subnet a network ACL of its own, with one rule for each direction, and a tag."""
    ec2 = aws.client("ec2")
    tagged = [{"ResourceType": "network-acl", "Tags": [{"Key": "team", "Value": "web"}]}]
    made: str = ec2.create_network_acl(VpcId=vpc, TagSpecifications=tagged)["NetworkAcl"][
        "NetworkAclId"
    ]
    for egress in (True, False):
        ec2.create_network_acl_entry(
            **{
                "NetworkAclId": made,
                "RuleNumber": 1,
                "Egress": egress,
                "Protocol": "-1",
                "RuleAction": "allow",
                "CidrBlock": ANY,
                **rule,
            }
        )
    associate(aws, subnet, made)
    return made


def associate(aws: BotoClients, subnet: str, acl: str) -> None:
    """Give a subnet that network ACL."""
    (now,) = [a for a in acl_of(aws, subnet)["Associations"] if a["SubnetId"] == subnet]
    aws.client("ec2").replace_network_acl_association(
        AssociationId=now["NetworkAclAssociationId"], NetworkAclId=acl
    )


def entries_of_clone(aws: BotoClients, subnet: str) -> list[tuple[bool, int, str, str]]:
    """Egress, number, action and block of each rule, in order."""
    found = [
        (entry["Egress"], entry["RuleNumber"], entry["RuleAction"], entry["CidrBlock"])
        for entry in acl_of(aws, subnet)["Entries"]
        if entry["RuleNumber"] < 32767
    ]
    return sorted(found)


def make_some(calls: Sequence[ApiCall], aws: BotoClients, count: int) -> None:
    """Begin an injection, and be killed after so many calls."""
    known: Known = {}
    for call in calls[:count]:
        call.make(aws, known)


def test_subnets_are_found_by_tags_filters_and_ids(aws: BotoClients) -> None:
    """With their zone, and as members of no group."""
    _, ids = make_vpc(aws)
    assert {one.id for one in find(aws, tags={"app": "shop"})} == set(ids)
    found = find(aws, tags={"app": "shop"}, filters={"AvailabilityZone": "us-east-1a"})
    assert {one.id for one in found} == {ids[0], ids[3]}
    assert {(one.zone, one.group) for one in found} == {("us-east-1a", None)}
    assert [one.id for one in find(aws, ids=ids[1])] == [ids[1]]


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    scope=st.sampled_from(["all", "availability-zone", "vpc", "s3", "dynamodb"]),
    calls_made=st.integers(0, 40),
    own=st.booleans(),
)
def test_after_the_undo_the_acls_are_as_before_field_for_field(
    aws: BotoClients, scope: str, calls_made: int, own: bool
) -> None:
    """However far the injection came; and undoing twice is undoing once."""
    vpc, ids = make_vpc(aws)
    if own:
        give_own_acl(aws, vpc, ids[1])
    before = picture(aws, vpc)
    targets = find(aws, ids=ids)
    action = DisruptConnectivity(aws, {"scope": scope})
    state = action.capture(targets)
    assert picture(aws, vpc) == before
    calls = action.inject_calls(targets, state)
    make_some(calls, aws, calls_made)
    assert action.injected(targets, state) is (calls_made >= len(calls))
    stored = DisruptedSubnets.model_validate_json(state.model_dump_json())
    for _ in range(2):
        action.revert(stored)
        assert action.verify(stored)
        assert picture(aws, vpc) == before


def test_the_clone_tells_of_itself_what_the_undo_needs(aws: BotoClients) -> None:
    """Its tags name the subnet, the original and the association it took the place of."""
    vpc, (subnet, *_) = make_vpc(aws)
    original = acl_of(aws, subnet)
    inject(aws, subnet, scope="all")
    clone = acl_of(aws, subnet)
    tags = {tag["Key"]: tag["Value"] for tag in clone["Tags"]}
    (was,) = [a for a in original["Associations"] if a["SubnetId"] == subnet]
    assert tags == {
        "chaos:disrupted-subnet": subnet,
        "chaos:original-network-acl": original["NetworkAclId"],
        "chaos:original-association": was["NetworkAclAssociationId"],
    }
    assert clone["VpcId"] == vpc


def inject(aws: BotoClients, subnet: str, **parameters: object) -> DisruptedSubnets:
    """Disrupt one subnet."""
    action = DisruptConnectivity(aws, parameters)
    targets = find(aws, ids=subnet)
    state = action.capture(targets)
    action.inject(targets, state)
    assert action.injected(targets, state)
    return state


def test_scope_all_denies_everything(aws: BotoClients) -> None:
    """In both directions, before anything else."""
    _, (subnet, *_) = make_vpc(aws)
    inject(aws, subnet, scope="all")
    assert entries_of_clone(aws, subnet) == [(False, 1, "deny", ANY), (True, 1, "deny", ANY)]


def test_scope_availability_zone_denies_the_subnets_of_other_zones(aws: BotoClients) -> None:
    """Denies come first, then the original's rules, although those were numbered from 1."""
    vpc, (subnet, *_) = make_vpc(aws)
    give_own_acl(aws, vpc, subnet)
    inject(aws, subnet, scope="availability-zone")
    ingress = [entry[1:] for entry in entries_of_clone(aws, subnet) if not entry[0]]
    assert ingress == [
        (1, "deny", "10.0.1.0/24"),
        (2, "deny", "10.0.2.0/24"),
        (3, "allow", ANY),
    ]


def test_scope_vpc_leaves_only_what_stays_in_the_vpc(aws: BotoClients) -> None:
    """The original's rules, narrowed to the VPC's own addresses."""
    _, (subnet, *_) = make_vpc(aws)
    inject(aws, subnet, scope="vpc")
    assert [entry[2:] for entry in entries_of_clone(aws, subnet)] == [
        ("allow", "10.0.0.0/16"),
        ("allow", "10.0.0.0/16"),
    ]


def test_scope_prefix_list_denies_what_is_in_the_list(aws: BotoClients) -> None:
    """The list is named by id, ARN or name."""
    _, ids = make_vpc(aws)
    made = aws.client("ec2").create_managed_prefix_list(
        PrefixListName="partner",
        AddressFamily="IPv4",
        MaxEntries=5,
        Entries=[{"Cidr": "198.51.100.0/24"}, {"Cidr": "192.0.2.0/24"}],
    )["PrefixList"]
    names = (made["PrefixListId"], made["PrefixListArn"], "partner")
    for subnet, name in zip(ids, names, strict=False):
        inject(aws, subnet, scope="prefix-list", prefixListIdentifier=name)
        denied = [entry[3] for entry in entries_of_clone(aws, subnet) if entry[2] == "deny"]
        assert denied == ["198.51.100.0/24", "192.0.2.0/24"] * 2
    with pytest.raises(Refused, match="pl-none"):
        inject(aws, ids[3], scope="prefix-list", prefixListIdentifier="pl-none")


def test_scope_s3_denies_the_services_own_addresses(aws: BotoClients) -> None:
    """As AWS lists them for the region."""
    _, (subnet, *_) = make_vpc(aws)
    inject(aws, subnet, scope="s3")
    denied = {entry[3] for entry in entries_of_clone(aws, subnet) if entry[2] == "deny"}
    assert "52.216.0.0/15" in denied


def test_a_prefix_list_and_its_scope_belong_together() -> None:
    """One without the other is an error in the file."""
    for parameters in ({"scope": "prefix-list"}, {"scope": "all", "prefixListIdentifier": "x"}):
        with pytest.raises(ValidationError, match="prefixListIdentifier"):
            DisruptConnectivity.Parameters.model_validate(parameters)


def test_what_someone_else_has_changed_is_reported_and_left(aws: BotoClients) -> None:
    """The other subnets are restored all the same, and no clone is left."""
    vpc, ids = make_vpc(aws, subnets=2)
    targets = find(aws, ids=ids)
    action = DisruptConnectivity(aws, {"scope": "all"})
    state = action.capture(targets)
    action.inject(targets, state)
    theirs = give_own_acl(aws, vpc, ids[0])
    with pytest.raises(CannotRevert, match=f"{ids[0]} was given {theirs}"):
        action.revert(state)
    assert acl_of(aws, ids[0])["NetworkAclId"] == theirs
    assert acl_of(aws, ids[1])["NetworkAclId"] == state.subnets[1].network_acl
    assert action.verify(state)


def test_a_subnet_that_is_disrupted_is_not_disrupted_again(aws: BotoClients) -> None:
    """Else the undo of one would be the clone of the other."""
    _, (subnet, *_) = make_vpc(aws)
    inject(aws, subnet, scope="all")
    with pytest.raises(Refused, match=f"{subnet} is disrupted already"):
        inject(aws, subnet, scope="all")


def test_the_undo_can_be_made_by_hand(aws: BotoClients) -> None:
    """Its calls carry ids as soon as AWS has given them."""
    vpc, (subnet, *_) = make_vpc(aws)
    before = picture(aws, vpc)
    action = DisruptConnectivity(aws, {"scope": "all"})
    planned = action.revert_calls(action.capture(find(aws, ids=subnet)))
    assert any("<clone of " in str(call) for call in planned)
    for call in action.revert_calls(inject(aws, subnet, scope="all")):
        call.make(aws)
    assert picture(aws, vpc) == before


def test_too_many_rules_leave_the_subnet_as_it_was(aws: BotoClients) -> None:
    """AWS refuses a rule, the injection fails before anything is dark, and the undo cleans up."""
    vpc, (subnet, *_) = make_vpc(aws)
    before = picture(aws, vpc)
    action = DisruptConnectivity(aws, {"scope": "availability-zone"})
    targets = find(aws, ids=subnet)
    state = action.capture(targets)
    twice = state.subnets[0].entries * 2  # AWS refuses a number that is taken.
    wrong = DisruptedSubnets(subnets=(state.subnets[0].model_copy(update={"entries": twice}),))
    with pytest.raises(ClientError):
        action.inject(targets, wrong)
    assert acl_of(aws, subnet)["NetworkAclId"] == state.subnets[0].network_acl
    action.revert(state)
    assert picture(aws, vpc) == before


blocks = st.builds(
    lambda address, length: str(ipaddress.ip_network((address, length), strict=False)),
    st.integers(0, 2**32 - 1),
    st.integers(0, 32),
)


@given(rules=st.lists(st.tuples(blocks, st.booleans()), max_size=6), inside=blocks, seed=st.data())
def test_narrowed_rules_say_the_same_inside_and_nothing_outside(
    rules: list[tuple[str, bool]], inside: str, seed: st.DataObject
) -> None:
    """For any address: as before within the block, matched by none without it."""
    block = ipaddress.ip_network(inside)
    near = st.integers(int(block.network_address), int(block.broadcast_address))
    address = ipaddress.ip_address(seed.draw(st.one_of(near, st.integers(0, 2**32 - 1))))
    entries = [
        {"RuleNumber": n, "Egress": True, "CidrBlock": cidr, "RuleAction": allow}
        for n, (cidr, allow) in enumerate(rules)
    ]
    decided = _first_match(numbered(narrowed(entries, [inside])), address)
    assert decided == (_first_match(entries, address) if address in block else None)


def _first_match(entries: list[dict[str, Any]], address: Any) -> Any:
    for entry in sorted(entries, key=lambda one: int(one["RuleNumber"])):
        if address in ipaddress.ip_network(entry["CidrBlock"]):
            return entry["RuleAction"]
    return None
