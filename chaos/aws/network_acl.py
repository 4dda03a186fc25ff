"""Entries of network ACLs, in the form in which EC2 describes them and takes them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Entry = dict[str, Any]
"""`{"RuleNumber", "Protocol", "RuleAction", "Egress", "CidrBlock" or "Ipv6CidrBlock", …}`."""

LAST_RULE = 32767
"""The number of the rule that ends every ACL: it denies what no other has matched, and is AWS's."""

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def deny(cidrs: Iterable[str]) -> list[Entry]:
    """Entries that deny all traffic to and from these blocks; they have no numbers yet."""
    return [
        {"Protocol": "-1", "RuleAction": "deny", "Egress": egress, _key_of(cidr): cidr}
        for cidr in cidrs
        for egress in (False, True)
    ]


def own_entries(acl: Mapping[str, Any]) -> list[Entry]:
    """The entries that somebody has made, in the order in which they are tried."""
    made = [dict(entry) for entry in acl["Entries"] if entry["RuleNumber"] != LAST_RULE]
    return sorted(made, key=lambda entry: int(entry["RuleNumber"]))


def narrowed(entries: Iterable[Entry], cidrs: Iterable[str]) -> Iterator[Entry]:
    """The same rules, but for these blocks only; so what goes elsewhere is matched by none."""
    blocks = [ipaddress.ip_network(cidr) for cidr in cidrs]
    for entry in entries:
        key = "CidrBlock" if entry.get("CidrBlock") else "Ipv6CidrBlock"
        ruled = ipaddress.ip_network(entry[key], strict=False)
        for both in filter(None, (_intersection(ruled, block) for block in blocks)):
            yield {**entry, key: str(both)}


def numbered(entries: Iterable[Entry]) -> list[Entry]:
    """The entries with the numbers 1, 2, 3 … in the order given, each direction for itself."""
    counts = {True: 0, False: 0}
    result = []
    for entry in entries:
        counts[entry["Egress"]] += 1
        result.append({**entry, "RuleNumber": counts[entry["Egress"]]})
    return result


def _key_of(cidr: str) -> str:
    return "Ipv6CidrBlock" if ":" in cidr else "CidrBlock"


def _intersection(one: _Network, other: _Network) -> _Network | None:
    """Two blocks are apart, or one lies in the other."""
    if one.version != other.version or not one.overlaps(other):
        return None
    return one if one.prefixlen >= other.prefixlen else other
