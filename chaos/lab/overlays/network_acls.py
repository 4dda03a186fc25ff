"""Network ACLs.

AWS: an ACL ends with a rule that denies everything, the default ACL of a VPC cannot be deleted, and
an association that is replaced by something impossible stays what it was.
moto: new ACLs have no last rule, any ACL can be deleted, and a failed replacement loses the
association. That ACLs have an effect is up to `chaos.lab.network`.
"""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.network_acls import NetworkAclBackend

from chaos.lab.acl import Acl, Rule
from chaos.lab.overlays.wrapping import around

_LAST = 32767


def install() -> None:
    """Change moto's network ACLs."""

    @around(NetworkAclBackend, "create_network_acl")
    def create(original: Any, backend: Any, *args: Any, **kwargs: Any) -> Any:
        acl = original(backend, *args, **kwargs)
        if not acl.default:
            for egress in (True, False):
                _deny_the_rest(backend, acl.id, egress=egress)
        return acl

    @around(NetworkAclBackend, "delete_network_acl")
    def delete(original: Any, backend: Any, network_acl_id: str) -> Any:
        if backend.get_network_acl(network_acl_id).default:
            raise EC2ClientError(
                "InvalidParameterValue",
                f"Cannot delete default network ACL {network_acl_id}",
            )
        return original(backend, network_acl_id)

    @around(NetworkAclBackend, "replace_network_acl_association")
    def replace(original: Any, backend: Any, association_id: str, network_acl_id: str) -> Any:
        new = backend.get_network_acl(network_acl_id)
        old = _acl_with(backend, association_id)
        if old.vpc_id != new.vpc_id:
            raise EC2ClientError(
                "InvalidParameterValue", f"{network_acl_id} and the subnet are in different VPCs"
            )
        return original(backend, association_id, network_acl_id)


def acls_of(backend: Any) -> dict[str, Acl]:
    """The network ACL of each subnet in one of moto's EC2 backends, by the subnet's id."""
    return {
        association.subnet_id: acl
        for network_acl in backend.network_acls.values()
        if network_acl.associations
        for acl in [Acl(tuple(sorted(map(_rule, network_acl.entries), key=lambda r: r.number)))]
        for association in network_acl.associations
    }


def _rule(entry: Any) -> Rule:
    ports = entry.port_range_from, entry.port_range_to
    return Rule(
        number=int(entry.rule_number),
        egress=_is_true(entry.egress),
        allow=entry.rule_action == "allow",
        protocol={"tcp": "6", "all": "-1"}.get(str(entry.protocol), str(entry.protocol)),
        cidr=entry.cidr_block or None,
        ports=None if None in ports else (int(ports[0]), int(ports[1])),
    )


def _is_true(value: Any) -> bool:
    """Whether it says so: moto keeps what the call gave, which may be a word."""
    return str(value).lower() == "true"


def _deny_the_rest(backend: Any, acl_id: str, *, egress: bool) -> None:
    backend.create_network_acl_entry(
        network_acl_id=acl_id,
        rule_number=_LAST,
        protocol="-1",
        rule_action="deny",
        egress=egress,
        cidr_block="0.0.0.0/0",
        icmp_code=None,
        icmp_type=None,
        port_range_from=None,
        port_range_to=None,
        ipv6_cidr_block=None,
    )


def _acl_with(backend: Any, association_id: str) -> Any:
    for acl in backend.network_acls.values():
        if association_id in acl._associations:  # noqa: SLF001 - moto has no other way to find it
            return acl
    raise EC2ClientError(
        "InvalidAssociationID.NotFound",
        f"The association ID '{association_id}' does not exist",
    )
