"""Faults of databases: two with the names and parameters of AWS FIS, and one that FIS lacks.

Source: AWS FIS User Guide, "AWS FIS actions reference", Amazon RDS actions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from chaos.actions.action import Action, ApiCall, CannotRevert, Parameters, Revertible, State
from chaos.aws.factory import ClientFactory
from chaos.aws.resources import Resource

if TYPE_CHECKING:
    from mypy_boto3_rds import RDSClient
    from mypy_boto3_rds.type_defs import DBClusterTypeDef, DBInstanceTypeDef, FilterTypeDef

_AVAILABLE = "available"


def _ids(targets: Iterable[Resource]) -> list[str]:
    return [target.id for target in targets]


def _filter(name: str, ids: Sequence[str]) -> list[FilterTypeDef]:
    return [{"Name": name, "Values": ids}]


def _instances(clients: ClientFactory, ids: Sequence[str]) -> dict[str, DBInstanceTypeDef]:
    """Those DB instances that there are, by id."""
    if not ids:
        return {}
    rds: RDSClient = clients.client("rds")
    pages = rds.get_paginator("describe_db_instances").paginate(
        Filters=_filter("db-instance-id", ids)
    )
    return {one["DBInstanceIdentifier"]: one for page in pages for one in page["DBInstances"]}


def _clusters(clients: ClientFactory, ids: Sequence[str]) -> dict[str, DBClusterTypeDef]:
    """Those clusters that there are, by id."""
    rds: RDSClient = clients.client("rds")
    pages = rds.get_paginator("describe_db_clusters").paginate(
        Filters=_filter("db-cluster-id", ids)
    )
    return {one["DBClusterIdentifier"]: one for page in pages for one in page["DBClusters"]}


class RebootDbInstancesParameters(Parameters):
    """As in FIS."""

    force_failover: bool = Field(
        default=False,
        alias="forceFailover",
        description="Fail over to the standby in another Availability Zone; needs Multi-AZ.",
    )


class ZonesBefore(State):
    """By id of the instance, the Availability Zone that it was in."""

    zones: dict[str, str]


class RebootDbInstances(Action):
    """Reboot DB instances, or let them fail over to their standbys."""

    id = "aws:rds:reboot-db-instances"
    resource = "aws:rds:db"
    permissions = ("rds:DescribeDBInstances", "rds:RebootDBInstance")
    no_undo = "a DB instance comes back from a reboot or a failover by itself"
    Parameters = RebootDbInstancesParameters
    State = ZonesBefore

    def capture(self, targets: Sequence[Resource]) -> ZonesBefore:
        """Where the targets are now."""
        found = _instances(self.clients, _ids(targets))
        return ZonesBefore(zones={name: one["AvailabilityZone"] for name, one in found.items()})

    def inject_calls(
        self,
        targets: Sequence[Resource],
        state: ZonesBefore,  # noqa: ARG002
    ) -> list[ApiCall]:
        """One RebootDBInstance for each."""
        force = {"ForceFailover": True} if self.parameters.force_failover else {}
        return [
            ApiCall("rds", "reboot_db_instance", {"DBInstanceIdentifier": target.id, **force})
            for target in targets
        ]

    def injected(
        self,
        targets: Sequence[Resource],  # noqa: ARG002
        state: ZonesBefore,
    ) -> bool:
        """Whether each is rebooting, or in its other zone already.

        A reboot in place leaves no trace once it is over, so there its acceptance is enough.
        """
        if not self.parameters.force_failover:
            return True
        now = _instances(self.clients, list(state.zones))
        return all(
            one["DBInstanceStatus"] != _AVAILABLE or one["AvailabilityZone"] != state.zones[name]
            for name, one in now.items()
        )


class WritersBefore(State):
    """By id of the cluster, the instance that was its writer."""

    writers: dict[str, str]


class FailOverDbCluster(Action):
    """Let another instance of Aurora clusters become the writer."""

    id = "aws:rds:failover-db-cluster"
    resource = "aws:rds:cluster"
    permissions = ("rds:DescribeDBClusters", "rds:DescribeDBInstances", "rds:FailoverDBCluster")
    no_undo = "a cluster goes on with its new writer"
    State = WritersBefore

    def capture(self, targets: Sequence[Resource]) -> WritersBefore:
        """Which instances write now."""
        found = _clusters(self.clients, _ids(targets))
        return WritersBefore(writers={name: _writer_of(one) for name, one in found.items()})

    def inject_calls(
        self,
        targets: Sequence[Resource],
        state: WritersBefore,  # noqa: ARG002
    ) -> list[ApiCall]:
        """One FailoverDBCluster for each."""
        return [
            ApiCall("rds", "failover_db_cluster", {"DBClusterIdentifier": target.id})
            for target in targets
        ]

    def injected(
        self,
        targets: Sequence[Resource],  # noqa: ARG002
        state: WritersBefore,
    ) -> bool:
        """Whether each is failing over, or has another writer already."""
        now = _clusters(self.clients, list(state.writers))
        return all(
            one["Status"] != _AVAILABLE or _writer_of(one) != state.writers[name]
            for name, one in now.items()
        )


def _writer_of(cluster: DBClusterTypeDef) -> str:
    members = cluster["DBClusterMembers"]
    return next((one["DBInstanceIdentifier"] for one in members if one["IsClusterWriter"]), "")


class StoppedDbInstances(State):
    """Which DB instances were available and are to be so again."""

    available: tuple[str, ...]


class StopDbInstances(Action, Revertible):
    """Stop DB instances; start those again that were available."""

    id = "aws:rds:stop-db-instances"
    resource = "aws:rds:db"
    permissions = ("rds:DescribeDBInstances", "rds:StopDBInstance", "rds:StartDBInstance")
    State = StoppedDbInstances

    def capture(self, targets: Sequence[Resource]) -> StoppedDbInstances:
        """Which of the targets are available now."""
        statuses = self._statuses(_ids(targets))
        available = (name for name, status in statuses.items() if status == _AVAILABLE)
        return StoppedDbInstances(available=tuple(available))

    def inject_calls(
        self,
        targets: Sequence[Resource],  # noqa: ARG002 - only those that are available are stopped
        state: StoppedDbInstances,
    ) -> list[ApiCall]:
        """One StopDBInstance for each that is available."""
        return [_call("stop_db_instance", name) for name in state.available]

    def injected(
        self,
        targets: Sequence[Resource],  # noqa: ARG002
        state: StoppedDbInstances,
    ) -> bool:
        """Whether all of them are stopped (or gone)."""
        return set(self._statuses(state.available).values()) <= {"stopped", None}

    def revert_calls(self, state: StoppedDbInstances) -> list[ApiCall]:
        """One StartDBInstance for each that was available before."""
        return [_call("start_db_instance", name) for name in state.available]

    def revert(self, state: StoppedDbInstances) -> None:
        """Start those that are stopped; one that is still stopping is for the next time."""
        now = self._statuses(state.available)
        for name, status in now.items():
            if status == "stopped":
                _call("start_db_instance", name).make(self.clients)
        gone = [name for name, status in now.items() if status is None]
        if gone:
            raise CannotRevert(f"deleted meanwhile by someone else: {', '.join(gone)}")

    def verify(self, state: StoppedDbInstances) -> bool:
        """Whether all that were available before are so again."""
        return set(self._statuses(state.available).values()) <= {_AVAILABLE}

    def _statuses(self, ids: Sequence[str]) -> dict[str, str | None]:
        """The status of each by id; None for one that is no more."""
        found = _instances(self.clients, ids)
        return {name: found[name]["DBInstanceStatus"] if name in found else None for name in ids}


def _call(operation: str, instance: str) -> ApiCall:
    return ApiCall("rds", operation, {"DBInstanceIdentifier": instance})
