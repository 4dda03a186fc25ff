"""An Availability Zone whose network is gone: what is dark, who notices, and that it comes back."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from chaos.actions.autoscaling import ExcludeAvailabilityZone
from chaos.actions.network import DisruptConnectivity
from chaos.aws.clients import BotoClients, connect
from chaos.aws.targets import resolve
from chaos.lab import handle as lab_handle
from chaos.lab.loopback import get_json
from chaos.lab.truth import TruthKind
from chaos.model.environment import Environment
from chaos.model.experiment import Target
from tests.chaos_command import Chaos, shortened
from tests.eventually import eventually
from tests.lab_fixtures import RunningLab
from tests.test_network_action import acl_of, associate, picture

pytestmark = pytest.mark.lab

DARK = "us-east-1a"
TTL = 2.0
"""Seconds for which a client keeps an answer, by the lab's defaults."""


@pytest.fixture
def clients(lab: RunningLab) -> BotoClients:
    """Clients of the lab, as a run has them."""
    handle = lab.handle
    place = Environment(region=handle.region, endpoint_url=handle.endpoint_url)
    return connect(place, handle.credentials)


@pytest.fixture
def chaos(tmp_path: Path, lab: RunningLab) -> Chaos:
    """The command, in an empty directory, with the lab as environment `shared`."""
    command = Chaos(tmp_path)
    command.use(lab)
    return command


def subnet_of(clients: BotoClients, zone: str) -> dict[str, Any]:
    """The application's subnet in a zone."""
    wanted = [
        {"Name": "tag:app", "Values": ["shop"]},
        {"Name": "availability-zone", "Values": [zone]},
    ]
    (subnet,) = clients.client("ec2").describe_subnets(Filters=wanted)["Subnets"]
    return dict(subnet)


def counts_in(lab: RunningLab, zone: str) -> Counter[str]:
    """What the zone's instances have received, asked directly, past the network."""
    total: Counter[str] = Counter()
    for one in lab.instances().values():
        if one.zone == zone and one.port is not None:
            total.update(get_json(one.port, "/metrics")["received"])
    del total["metrics"]
    return total


def without_checks(counts: Counter[str]) -> dict[str, int]:
    """Only what came from outside the zone: its node of the load balancer goes on checking."""
    return {path: count for path, count in counts.items() if path != "health"}


class Visitor:
    """A client that keeps its connection."""

    def __init__(self, lab: RunningLab) -> None:
        address = urlsplit(lab.handle.host)
        self.connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=1)
        self.ask()

    def ask(self) -> int:
        """Ask once more on the same connection; TimeoutError where no answer comes."""
        self.connection.request("GET", "/products/1")
        answer = self.connection.getresponse()
        answer.read()
        return answer.status

    def is_answered(self, within: float) -> bool:
        """Whether the answer that is still awaited comes."""
        self.connection.sock.settimeout(within)
        try:
            return bool(self.connection.sock.recv(1))
        except TimeoutError:
            return False


@pytest.fixture
def visitors(lab: RunningLab) -> Iterator[list[Visitor]]:
    """One for each node of the load balancer, for the front door leads to them in turn."""
    made = [Visitor(lab) for _ in range(3)]
    yield made
    for one in made:
        one.connection.close()


def happened(lab: RunningLab, kind: TruthKind, since: float = 0) -> list[float]:
    """When such things happened."""
    return [event.at for event in lab_handle.truth(lab.handle, since) if event.kind is kind]


@pytest.mark.alone
def test_a_dark_zone_is_dark_and_only_that(
    lab: RunningLab, clients: BotoClients, visitors: list[Visitor]
) -> None:
    """Silence over the border, traffic inside; clients are led elsewhere; then all is as before."""
    subnet = subnet_of(clients, DARK)
    before = picture(clients, subnet["VpcId"])
    targets = resolve(
        Target.model_validate({"type": "aws:ec2:subnet", "ids": subnet["SubnetId"]}), clients, 1
    )
    action = DisruptConnectivity(clients, {"scope": "all"})
    state = action.capture(targets)
    barred, removed = (
        len(happened(lab, kind)) for kind in (TruthKind.SUBNET_BARRED, TruthKind.NODE_REMOVED)
    )
    try:
        action.inject(targets, state)
        eventually(lambda: len(happened(lab, TruthKind.SUBNET_BARRED)) > barred, 2, "it is dark")
        at_first = counts_in(lab, DARK)
        eventually(lambda: len(happened(lab, TruthKind.NODE_REMOVED)) > removed, 10, "node out")
        eventually(lambda: _healths(lab, DARK) == {"unhealthy"}, 10, "its instances are out")
        eventually(lambda: _healths(lab, "us-east-1b") == {"healthy"}, 10, "others are healthy")
        eventually(lambda: _all_well(lab), TTL + 10, "clients are led elsewhere")
        hung = [one for one in visitors if not _gets_an_answer(one)]
        assert len(hung) == 1
        in_the_end = counts_in(lab, DARK)
        assert without_checks(in_the_end) == without_checks(at_first)
        assert in_the_end["health"] > at_first["health"]
        assert not hung[0].is_answered(within=0.2)
    finally:
        action.revert(state)
    assert action.verify(state)
    assert picture(clients, subnet["VpcId"]) == before
    assert hung[0].is_answered(within=5)
    lab.await_whole()


def _gets_an_answer(visitor: Visitor) -> bool:
    try:
        return visitor.ask() > 0
    except TimeoutError:
        return False


def _healths(lab: RunningLab, zone: str) -> set[str]:
    return {one.target_health for one in lab.instances().values() if one.zone == zone}


def _all_well(lab: RunningLab) -> bool:
    """Whether a dozen new clients are served, and none by the dark zone."""
    try:
        answers = [lab.get("/products/1", timeout=1) for _ in range(12)]
    except TimeoutError:
        return False
    assert not any(a.headers.get("X-Served-Zone") == DARK for a in answers)
    return {answer.status for answer in answers} == {200}


def test_acls_are_guarded_as_aws_guards_them(clients: BotoClients) -> None:
    """The default stays, a new one ends with a deny, a failed replacement changes nothing."""
    ec2 = clients.client("ec2")
    subnet = subnet_of(clients, DARK)
    default = acl_of(clients, subnet["SubnetId"])
    with pytest.raises(ClientError, match="default network ACL"):
        ec2.delete_network_acl(NetworkAclId=default["NetworkAclId"])
    with pytest.raises(ClientError, match="acl-none"):
        associate(clients, subnet["SubnetId"], "acl-none")
    with pytest.raises(ClientError, match="does not exist"):
        ec2.replace_network_acl_association(
            AssociationId="aclassoc-none", NetworkAclId=default["NetworkAclId"]
        )
    assert acl_of(clients, subnet["SubnetId"]) == default
    made = ec2.create_network_acl(VpcId=subnet["VpcId"])["NetworkAcl"]
    last = {
        (entry["Egress"], entry["RuleNumber"], entry["RuleAction"]) for entry in made["Entries"]
    }
    assert last == {(True, 32767, "deny"), (False, 32767, "deny")}
    ec2.delete_network_acl(NetworkAclId=made["NetworkAclId"])


def test_the_load_balancers_nodes_have_addresses(lab: RunningLab) -> None:
    """An interface in each zone, as AWS shows its own, none of them at an instance's address."""
    found = lab.ec2.describe_network_interfaces()["NetworkInterfaces"]
    nodes = [one for one in found if one.get("Description") == "ELB app/shop"]
    assert {one["AvailabilityZone"] for one in nodes} == {"us-east-1a", "us-east-1b", "us-east-1c"}
    assert not {one["PrivateIpAddress"] for one in nodes} & {
        one.private_ip for one in lab.instances().values()
    }


SETTLED = 3.0
"""Seconds after which all has come that was under way inside a zone when it went dark: its node of
the load balancer may take one to connect to an instance there."""


class Sampler:
    """Reads the instances' own counters of a zone while something else runs."""

    def __init__(self, lab: RunningLab) -> None:
        self._lab = lab
        self._since = len(happened(lab, TruthKind.SUBNET_BARRED))
        self._over = threading.Event()
        self.seen: list[dict[str, int]] = []
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        """Keep what was read while it was dark, and at the next look it still was.

        That a zone is open is told when it is: what is read last may have come just then.
        """
        read: dict[str, int] | None = None
        while not self._over.wait(0.5):
            is_dark = self._is_dark()
            if is_dark and read is not None:
                self.seen.append(read)
            read = without_checks(counts_in(self._lab, DARK)) if is_dark else None

    def _is_dark(self) -> bool:
        barred = happened(self._lab, TruthKind.SUBNET_BARRED)
        opened = happened(self._lab, TruthKind.SUBNET_OPEN)
        settled = len(barred) > self._since and time.time() > barred[-1] + SETTLED
        return settled and len(opened) < len(barred)


@pytest.mark.alone
def test_losing_a_zones_network_is_survived_and_reported_as_it_was(
    chaos: Chaos, lab: RunningLab, clients: BotoClients, tmp_path: Path
) -> None:
    """The dark instances receive nothing; bad time ends when the truth log says that it must."""
    vpc = subnet_of(clients, DARK)["VpcId"]
    before = picture(clients, vpc)
    file = shortened(
        "az-blackhole.yaml",
        tmp_path,
        ("{warmup: 3s, baseline: 10s, recovery: 15s}", "{warmup: 2s, baseline: 4s, recovery: 10s}"),
        ("duration: 20s", "duration: 15s"),
    )
    with Sampler(lab) as sampler:
        ran = chaos("run", file, "--env", "shared", "--plain")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert picture(clients, vpc) == before
    assert len(sampler.seen) > 10
    assert all(counts == sampler.seen[0] for counts in sampler.seen)
    report = chaos.report()
    load, action = report["load"], report["actions"][0]
    assert load["planned"] == load["ok"] + load["failed"] + load["timed_out"] + load["not_sent"]
    assert load["timed_out"] > 0
    assert action["verified"] is True
    assert action["inject_confirmed_at"] == pytest.approx(
        happened(lab, TruthKind.SUBNET_BARRED)[-1], abs=1
    )
    led_elsewhere = happened(lab, TruthKind.NODE_REMOVED)[-1] + TTL
    bad_until = action["inject_confirmed_at"] + action["recovered_after_s"]
    assert bad_until <= led_elsewhere + 2.5
    lab.await_whole()


def test_a_power_interruption_shows_each_of_its_parts_and_leaves_nothing(
    chaos: Chaos, lab: RunningLab, clients: BotoClients
) -> None:
    """Instances off, network gone for the shorter time, no launches; then all as before."""
    vpc = subnet_of(clients, DARK)["VpcId"]
    acls = picture(clients, vpc)
    before = set(lab.instances())
    (group,) = lab.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    file = chaos.directory / "power.yaml"
    file.write_text(
        "title: Power\nactions:\n  lose-power:\n    action: aws:az:power-interruption\n"
        f"    parameters: {{availabilityZone: {DARK}, tags: {{app: shop}}, networkDuration: 2s}}\n"
        "    duration: 5s\n"
    )
    ran = chaos("run", file, "--env", "shared", "--plain")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    actions = {action["name"]: action for action in chaos.report()["actions"]}
    assert {
        "lose-power/exclude-zone-from-groups",
        "lose-power/disrupt-network",
        "lose-power/stop-instances",
    } <= set(actions)
    network = actions["lose-power/disrupt-network"]
    stopped = actions["lose-power/stop-instances"]
    assert len(stopped["targets"]) == 2
    assert network["revert_confirmed_at"] < stopped["revert_called_at"]
    assert all(action["verified"] for action in actions.values() if action["revert_called_at"])
    assert picture(clients, vpc) == acls
    assert set(lab.instances()) == before
    (after,) = lab.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    assert after["VPCZoneIdentifier"] == group["VPCZoneIdentifier"]
    lab.await_whole()


def test_a_group_launches_elsewhere_while_a_zone_is_excluded(
    lab: RunningLab, clients: BotoClients
) -> None:
    """A replacement for an instance of the zone comes up in another, and back there afterwards."""
    action = ExcludeAvailabilityZone(clients, {"availabilityZoneIdentifiers": [DARK]})
    groups = resolve(
        Target.model_validate({"type": "aws:ec2:autoscaling-group", "tags": {"app": "shop"}}),
        clients,
        1,
    )
    state = action.capture(groups)

    def terminate_one_in(zone: str) -> None:
        victim = next(i for i, one in lab.instances().items() if one.zone == zone)
        lab.ec2.terminate_instances(InstanceIds=[victim])
        eventually(lambda: victim not in lab.instances(), 10, "it is gone")
        lab.await_whole()

    try:
        action.inject(groups, state)
        terminate_one_in(DARK)
        crowded = Counter(one.zone for one in lab.instances().values())
        assert crowded[DARK] == 1
    finally:
        action.revert(state)
    (fullest,) = (zone for zone, count in crowded.items() if count == 3)
    terminate_one_in(fullest)
    assert set(Counter(one.zone for one in lab.instances().values()).values()) == {2}


def test_a_deregistered_target_is_registered_again(chaos: Chaos, lab: RunningLab) -> None:
    """It gets no requests meanwhile, and is the same as before."""
    before = set(lab.instances())
    file = chaos.directory / "deregister.yaml"
    file.write_text(
        "title: Out\ntargets:\n"
        "  one: {type: aws:ec2:instance, tags: {app: shop}, select: count(1)}\n"
        "actions:\n  out: {action: aws:elbv2:deregister-targets, targets: one, duration: 1s}\n"
    )
    ran = chaos("run", file, "--env", "shared", "--plain")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    report = chaos.report()
    assert report["actions"][0]["verified"] is True
    (target,) = report["actions"][0]["targets"]
    since = report["started_at"]
    texts = [event.text for event in lab_handle.truth(lab.handle, since)]
    assert f"{target} is no longer a target" in texts
    assert f"{target} is registered as a target" in texts
    lab.await_whole()
    assert set(lab.instances()) == before
