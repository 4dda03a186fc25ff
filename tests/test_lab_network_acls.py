"""What the lab's network lets through: network ACLs, decided as AWS decides them."""

from __future__ import annotations

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from chaos.lab.acl import EPHEMERAL_PORT, Acl, Packet, Rule, barred_by
from chaos.lab.place import CLIENTS, Place

ALLOW_ALL = Acl(
    (Rule(100, True, True, "-1", "0.0.0.0/0"), Rule(100, False, True, "-1", "0.0.0.0/0"))
)
DENY_ALL = Acl(())

A1 = Place("10.0.0.4", "subnet-a", 80)
A2 = Place("10.0.0.5", "subnet-a", 80)
B = Place("10.0.16.4", "subnet-b", 80)

numbers = st.integers(0, 2**32 - 1)
ports = st.sampled_from([0, 22, 79, 80, 81, 443, EPHEMERAL_PORT, 65535])


@st.composite
def rules(draw: st.DrawFn, number: int) -> Rule:
    """One entry, often one that matters."""
    block = draw(
        st.one_of(
            st.sampled_from(["0.0.0.0/0", "10.0.0.0/16", "10.0.16.0/20", "203.0.113.0/24", None]),
            st.builds(
                lambda address, length: str(ipaddress.ip_network((address, length), strict=False)),
                numbers,
                st.integers(0, 32),
            ),
        )
    )
    low, high = sorted((draw(ports), draw(ports)))
    return Rule(
        number=number,
        egress=draw(st.booleans()),
        allow=draw(st.booleans()),
        protocol=draw(st.sampled_from(["-1", "6", "17", "1"])),
        cidr=block,
        ports=draw(st.sampled_from([None, (low, high)])),
    )


@st.composite
def acls(draw: st.DrawFn) -> Acl:
    """A network ACL; numbers rise but are not dense."""
    chosen = sorted(draw(st.sets(st.integers(1, 32766), max_size=6)))
    return Acl(tuple(draw(rules(number)) for number in chosen))


def slowly(acl: Acl, packet: Packet) -> bool:
    """The same question, asked bit by bit of every rule."""
    verdicts = {}
    for rule in acl.rules:
        if rule.egress != packet.egress or rule.protocol in {"17", "1"} or rule.cidr is None:
            continue
        base, _, length = rule.cidr.partition("/")
        bits = [f"{int(ipaddress.ip_address(one)):032b}" for one in (base, packet.peer)]
        if bits[0][: int(length)] != bits[1][: int(length)]:
            continue
        low, high = rule.ports or (0, 65535)
        if rule.protocol == "-1" or packet.port in range(low, high + 1):
            verdicts[rule.number] = rule.allow
    return verdicts[min(verdicts)] if verdicts else False


@given(acl=acls(), egress=st.booleans(), peer=numbers, near=st.booleans(), port=ports)
def test_an_acl_decides_as_the_obvious_model_does(
    acl: Acl, egress: bool, peer: int, near: bool, port: int
) -> None:
    """The lowest number that matches; none: denied."""
    address = "10.0.16.4" if near else str(ipaddress.ip_address(peer))
    packet = Packet(egress, address, port)
    assert acl.allows(packet) is slowly(acl, packet)


@given(near=acls(), far=acls(), source=st.sampled_from([A1, CLIENTS]))
def test_a_connection_needs_all_four_crossings(near: Acl, far: Acl, source: Place) -> None:
    """There out and in, and back out and in, for an ACL keeps nothing in mind."""
    wanted = [
        slowly(far, Packet(False, source.address, B.port)),
        slowly(far, Packet(True, source.address, EPHEMERAL_PORT)),
    ]
    if source.subnet:
        wanted += [
            slowly(near, Packet(True, B.address, B.port)),
            slowly(near, Packet(False, B.address, EPHEMERAL_PORT)),
        ]
    passes = barred_by(source, B, {"subnet-a": near, "subnet-b": far}) is None
    assert passes is all(wanted)


def test_what_stays_in_a_subnet_is_not_looked_at() -> None:
    """Also where its ACL denies everything."""
    assert barred_by(A1, A2, {"subnet-a": DENY_ALL}) is None
    assert barred_by(A1, B, {"subnet-a": DENY_ALL, "subnet-b": ALLOW_ALL}) == "subnet-a"
    assert barred_by(B, A1, {"subnet-a": DENY_ALL, "subnet-b": ALLOW_ALL}) == "subnet-a"
    assert barred_by(CLIENTS, A1, {"subnet-a": DENY_ALL}) == "subnet-a"


def test_an_acl_that_forgets_the_answers_bars_the_connection() -> None:
    """Letting port 80 in is not enough: the answer leaves for an ephemeral port."""
    inbound = Rule(100, False, True, "6", "0.0.0.0/0", (80, 80))
    answers = Rule(100, True, True, "6", "0.0.0.0/0", (1024, 65535))
    assert barred_by(CLIENTS, A1, {"subnet-a": Acl((inbound,))}) == "subnet-a"
    assert barred_by(CLIENTS, A1, {"subnet-a": Acl((inbound, answers))}) is None
