"""The lab's databases: what RDS says happens to them does happen, and no accepted order is lost."""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import psutil
import pytest
from botocore.exceptions import ClientError

from chaos.lab.processes import living
from chaos.lab.truth import TruthKind
from tests.eventually import eventually
from tests.lab_databases import DATABASE, QUICK, DatabaseLab, Shoppers, ask, database_lab

pytestmark = pytest.mark.lab

FAILOVERS = 20

SEGMENTS = Path("/proc/sysvipc/shm")


@pytest.fixture(scope="module")
def shared() -> Iterator[DatabaseLab]:
    """One lab for all tests of this file."""
    with database_lab() as made:
        yield made


@pytest.fixture
def lab(shared: DatabaseLab) -> DatabaseLab:
    """A lab whose database has a standby in sync."""
    shared.await_redundant()
    return shared


def fail_over(lab: DatabaseLab) -> None:
    """Force a failover; returns once AWS would call the instance available again."""
    lab.rds.reboot_db_instance(DBInstanceIdentifier=DATABASE, ForceFailover=True)
    assert lab.describe()["DBInstanceStatus"] == "rebooting"
    lab.await_status("available")


def orders_in(lab: DatabaseLab) -> set[str]:
    """The ids of all orders that the database has."""
    rows = asyncio.run(ask(lab.url(), "SELECT order_id FROM orders"))
    return {row["order_id"].hex for row in rows}


def test_the_stack_has_a_multi_az_database(lab: DatabaseLab) -> None:
    """Two zones, one address of this machine, and the shop's tag."""
    described = lab.describe()
    assert described["MultiAZ"]
    zones = {described["AvailabilityZone"], described["SecondaryAvailabilityZone"]}
    assert zones == {"us-east-1a", "us-east-1b"}
    assert described["Endpoint"]["Address"] == "127.0.0.1"
    assert {"Key": "app", "Value": "shop"} in described["TagList"]
    (row,) = asyncio.run(ask(lab.url(), "SELECT count(*) FROM products"))
    assert row["count"] == 50


def test_a_forced_failover_swaps_the_zones_behind_one_address(lab: DatabaseLab) -> None:
    """The old primary is dead, the standby is the primary, and everybody is told so."""
    before, since = lab.describe(), time.time()
    old = lab.postmaster(before["AvailabilityZone"])
    fail_over(lab)
    after = lab.describe()
    assert after["AvailabilityZone"] == before["SecondaryAvailabilityZone"]
    assert after["SecondaryAvailabilityZone"] == before["AvailabilityZone"]
    assert after["Endpoint"] == before["Endpoint"]
    assert lab.messages()[-3:] == [
        "Multi-AZ instance failover started.",
        "DB instance restarted",
        "Multi-AZ instance failover completed",
    ]
    lab.await_redundant()
    assert lab.postmaster(before["AvailabilityZone"]) != old
    kinds = [event.kind for event in lab.truth(since)]
    assert kinds[:2] == ["database-lost", "database-promoted"]
    assert set(kinds[2:]) == {"database-moved", "database-in-sync"}
    assert lab.buy()[0] == 201


def test_no_accepted_order_is_lost_in_twenty_failovers(lab: DatabaseLab) -> None:
    """Each while shoppers buy: what they were told is accepted is in the database afterwards."""
    with Shoppers(lab).shopping(many=4) as shoppers:
        for _ in range(FAILOVERS):
            shoppers.await_more()
            fail_over(lab)
        eventually(lambda: lab.buy()[0] == 201, within=10, what="the shop sells again")
    assert lab.messages().count("Multi-AZ instance failover completed") >= FAILOVERS
    assert len(shoppers.accepted) > FAILOVERS
    assert shoppers.accepted <= orders_in(lab)


def test_no_order_is_accepted_before_the_standby_has_it(lab: DatabaseLab) -> None:
    """While the primary's sender is held up, the order is, too."""
    (row,) = asyncio.run(ask(lab.url(), "SELECT pid FROM pg_stat_replication"))
    with ThreadPoolExecutor(1) as pool:
        os.kill(row["pid"], signal.SIGSTOP)
        try:
            buying = pool.submit(lab.buy)
            with pytest.raises(TimeoutError):
                buying.result(timeout=0.7)
        finally:
            os.kill(row["pid"], signal.SIGCONT)
        assert buying.result()[0] == 201


def test_the_same_request_twice_is_one_order(lab: DatabaseLab) -> None:
    """A client that does not know whether it has bought may ask again."""
    address = urlsplit(lab.handle.host)
    bodies = set()
    for _ in range(2):
        client = http.client.HTTPConnection(str(address.hostname), address.port, timeout=5)
        body = b'{"product_id": 2, "quantity": 3}'
        client.request("POST", "/purchase", body, {"Idempotency-Key": "only-once"})
        bodies.add(client.getresponse().read())
        client.close()
    assert len(bodies) == 1


def test_a_reboot_restarts_the_same_server(lab: DatabaseLab) -> None:
    """Same zones, another process, and the data is there."""
    before = lab.describe()
    status, order = lab.buy()
    old = lab.postmaster(before["AvailabilityZone"])
    lab.rds.reboot_db_instance(DBInstanceIdentifier=DATABASE)
    lab.await_status("available")
    assert lab.describe()["AvailabilityZone"] == before["AvailabilityZone"]
    assert lab.postmaster(before["AvailabilityZone"]) != old
    assert status == 201
    assert order["order_id"] in orders_in(lab)


def test_a_stopped_database_is_down_until_it_is_started(lab: DatabaseLab) -> None:
    """The shop stays healthy, as its health does not hang on it, but cannot sell."""
    order = lab.buy()[1]
    stopping = lab.rds.stop_db_instance(DBInstanceIdentifier=DATABASE)["DBInstance"]
    assert stopping["DBInstanceStatus"] == "stopping"
    lab.await_status("stopped")
    with pytest.raises(ClientError, match="InvalidDBInstanceState"):
        lab.rds.reboot_db_instance(DBInstanceIdentifier=DATABASE)
    with pytest.raises((OSError, asyncpg.PostgresError)):
        asyncio.run(ask(lab.url(), "SELECT 1"))
    assert lab.lab.get("/health").status == 200
    assert lab.lab.get("/products/1", timeout=10).status == 503
    starting = lab.rds.start_db_instance(DBInstanceIdentifier=DATABASE)["DBInstance"]
    assert starting["DBInstanceStatus"] == "starting"
    lab.await_status("available")
    eventually(lambda: lab.buy()[0] == 201, within=5, what="the shop sells again")
    assert order["order_id"] in orders_in(lab)


def test_a_primary_that_dies_by_itself_is_replaced(lab: DatabaseLab) -> None:
    """Multi-AZ fails over without being asked."""
    before = lab.describe()
    order = lab.buy()[1]
    os.kill(lab.postmaster(before["AvailabilityZone"]), signal.SIGKILL)
    eventually(
        lambda: lab.describe()["AvailabilityZone"] == before["SecondaryAvailabilityZone"],
        within=10,
        what="a failover",
    )
    eventually(lambda: lab.buy()[0] == 201, within=5, what="the shop sells again")
    assert order["order_id"] in orders_in(lab)


def test_the_primary_goes_on_when_its_standby_dies(lab: DatabaseLab) -> None:
    """It waits for a dead standby no longer, and gets another in the same zone."""
    before, since = lab.describe(), time.time()
    os.kill(lab.postmaster(before["SecondaryAvailabilityZone"]), signal.SIGKILL)
    eventually(lambda: lab.buy()[0] == 201, within=5, what="the shop sells")
    lab.await_redundant()
    kinds = [event.kind for event in lab.truth(since)]
    assert kinds == ["database-standby-lost", "database-in-sync"]
    assert lab.describe()["AvailabilityZone"] == before["AvailabilityZone"]


def test_both_servers_lost_at_once_come_back_with_all_orders(lab: DatabaseLab) -> None:
    """Whoever is the primary then has all that was accepted."""
    with Shoppers(lab).shopping(many=2) as shoppers:
        shoppers.await_more()
        for zone in ("us-east-1a", "us-east-1b"):
            os.kill(lab.postmaster(zone), signal.SIGKILL)
        shoppers.await_more()
    assert shoppers.accepted <= orders_in(lab)


@contextmanager
def dark(lab: DatabaseLab, zone: str) -> Iterator[None]:
    """Cut the shop's subnet in a zone off by a network ACL that denies all."""
    ec2 = lab.lab.ec2
    (subnet,) = ec2.describe_subnets(
        Filters=[
            {"Name": "availability-zone", "Values": [zone]},
            {"Name": "tag:app", "Values": ["shop"]},
        ]
    )["Subnets"]
    (acl,) = ec2.describe_network_acls(
        Filters=[{"Name": "association.subnet-id", "Values": [subnet["SubnetId"]]}]
    )["NetworkAcls"]
    (association,) = (a for a in acl["Associations"] if a["SubnetId"] == subnet["SubnetId"])
    denying = ec2.create_network_acl(VpcId=subnet["VpcId"])["NetworkAcl"]["NetworkAclId"]
    changed = ec2.replace_network_acl_association(
        AssociationId=association["NetworkAclAssociationId"], NetworkAclId=denying
    )
    try:
        yield
    finally:
        ec2.replace_network_acl_association(
            AssociationId=changed["NewAssociationId"], NetworkAclId=acl["NetworkAclId"]
        )
        ec2.delete_network_acl(NetworkAclId=denying)


def test_a_database_in_a_dark_zone_fails_over(lab: DatabaseLab) -> None:
    """A network ACL that denies all cuts the primary's subnet off; nobody has to say so."""
    zone = lab.describe()["AvailabilityZone"]
    with dark(lab, zone):
        eventually(lambda: lab.describe()["AvailabilityZone"] != zone, within=15, what="failover")
    lab.await_redundant()
    assert lab.describe()["SecondaryAvailabilityZone"] == zone


def test_a_standby_that_gets_nothing_is_lost_once_and_back_to_stay(lab: DatabaseLab) -> None:
    """What the primary knew of the lost standby does not count against the new one."""
    zone = lab.describe()["SecondaryAvailabilityZone"]
    before = losses(lab)
    (receiver,) = (
        child
        for child in psutil.Process(lab.postmaster(zone)).children()
        if "walreceiver" in " ".join(child.cmdline())
    )
    receiver.suspend()
    eventually(lambda: losses(lab) > before, within=15, what="its loss")
    lab.await_redundant()
    fail_over(lab)
    assert lab.describe()["AvailabilityZone"] == zone
    assert losses(lab) == before + 1


def losses(lab: DatabaseLab) -> int:
    """How often the database has gone on without its standby."""
    return [event.kind for event in lab.truth()].count(TruthKind.DATABASE_STANDBY_LOST)


def test_a_single_database_comes_and_goes(lab: DatabaseLab) -> None:
    """Created without Multi-AZ it has one server, no failover, and leaves nothing when deleted."""
    lab.rds.create_db_instance(
        DBInstanceIdentifier="alone",
        DBInstanceClass="db.t4g.small",
        Engine="postgres",
        AllocatedStorage=20,
        DBName="notes",
        MasterUsername="owner",
        MasterUserPassword='it\'s a "secret"',
    )
    created = lab.describe("alone")
    assert created["DBInstanceStatus"] == "creating"
    assert "Endpoint" not in created
    lab.await_status("available", "alone")
    with pytest.raises(ClientError, match="Multi-AZ"):
        lab.rds.reboot_db_instance(DBInstanceIdentifier="alone", ForceFailover=True)
    port = lab.describe("alone")["Endpoint"]["Port"]
    url = f"postgresql://owner:it%27s%20a%20%22secret%22@127.0.0.1:{port}/notes"
    asyncio.run(ask(url, "CREATE TABLE note (text text)"))
    lab.rds.delete_db_instance(DBInstanceIdentifier="alone", SkipFinalSnapshot=True)
    eventually(lambda: not list(lab.data.glob("alone-*/PG_VERSION")), within=5, what="removal")
    with pytest.raises((OSError, asyncpg.PostgresError)):
        asyncio.run(ask(url, "SELECT 1"))


def test_a_cluster_has_a_writer_and_readers_and_fails_over(lab: DatabaseLab) -> None:
    """To the instance that was asked for, behind endpoints that stay."""
    rds = lab.rds
    rds.create_db_cluster(
        DBClusterIdentifier="orders",
        Engine="aurora-postgresql",
        DatabaseName="orders",
        MasterUsername="owner",
        MasterUserPassword="not-a-secret",
        DBSubnetGroupName="shop-db",
    )
    for number in (1, 2, 3):
        rds.create_db_instance(
            DBInstanceIdentifier=f"orders-{number}",
            DBInstanceClass="db.r6g.large",
            Engine="aurora-postgresql",
            DBClusterIdentifier="orders",
        )
    for number in (1, 2, 3):
        lab.await_status("available", f"orders-{number}")
    (cluster,) = rds.describe_db_clusters(DBClusterIdentifier="orders")["DBClusters"]
    assert {lab.describe(f"orders-{n}")["AvailabilityZone"][-1] for n in (1, 2, 3)} == set("abc")
    writer = f"postgresql://owner:not-a-secret@127.0.0.1:{cluster['Port']}/orders"
    reader = f"postgresql://owner:not-a-secret@{cluster['ReaderEndpoint']}/orders"
    asyncio.run(ask(writer, "CREATE TABLE kept AS SELECT 7 AS number"))
    assert asyncio.run(ask(reader, "SELECT pg_is_in_recovery() AS reads"))[0]["reads"]

    rds.failover_db_cluster(DBClusterIdentifier="orders", TargetDBInstanceIdentifier="orders-3")
    eventually(lambda: writer_of(lab) == "orders-3", within=10, what="orders-3 writes")
    eventually(
        lambda: (
            rds.describe_db_clusters(DBClusterIdentifier="orders")["DBClusters"][0]["Status"]
            == "available"
        ),
        within=10,
        what="the cluster is available",
    )
    assert asyncio.run(ask(writer, "SELECT number, pg_is_in_recovery() AS reads FROM kept")) == [
        (7, False)
    ]
    assert lab.messages("orders", "db-cluster")[-2:] == [
        "Started cross AZ failover to DB instance: orders-3",
        "Completed failover to DB instance: orders-3",
    ]
    rds.delete_db_instance(DBInstanceIdentifier="orders-3", SkipFinalSnapshot=True)
    eventually(lambda: writer_of(lab) in {"orders-1", "orders-2"}, within=20, what="a new writer")
    for number in (1, 2):
        rds.delete_db_instance(DBInstanceIdentifier=f"orders-{number}", SkipFinalSnapshot=True)
    rds.delete_db_cluster(DBClusterIdentifier="orders", SkipFinalSnapshot=True)
    eventually(lambda: not list(lab.data.glob("orders-*/PG_VERSION")), within=10, what="removal")


def test_a_killed_lab_leaves_no_server_no_memory_and_no_data() -> None:
    """The supervisor is killed; its servers, their shared memory and their files go with it."""
    with database_lab(replace(QUICK, instances=1)) as lab:
        lab.await_redundant()
        home, servers = lab.data, servers_of(lab)
        segments = {segment_of(path) for path in home.glob("*/postmaster.pid")}
        assert len(servers) > 8  # Two postmasters, and what each needs at least.
        assert len(segments) == 2
        os.kill(lab.handle.pid, signal.SIGKILL)
        eventually(lambda: not lab.handle.directory.exists(), within=10, what="the sweep")
        eventually(lambda: not servers & {one.pid for one in living()}, within=5, what="their end")
        assert not home.exists()
        if SEGMENTS.exists():  # Linux only.
            assert not segments & {line.split()[1] for line in SEGMENTS.read_text().splitlines()}


def servers_of(lab: DatabaseLab) -> set[int]:
    """Process ids of all database servers, and of all their children."""
    postmasters = {lab.postmaster(zone) for zone in ("us-east-1a", "us-east-1b")}
    children = {one.pid for one in living() if one.parent in postmasters}
    return postmasters | children


def segment_of(pid_file: Path) -> str:
    """The number of the server's System V segment."""
    return pid_file.read_text().splitlines()[6].split()[1]


def writer_of(lab: DatabaseLab) -> str:
    """Which instance of the cluster `orders` writes, as DescribeDBClusters says."""
    (cluster,) = lab.rds.describe_db_clusters(DBClusterIdentifier="orders")["DBClusters"]
    return next(
        (
            member["DBInstanceIdentifier"]
            for member in cluster["DBClusterMembers"]
            if member["IsClusterWriter"]
        ),
        "",
    )
