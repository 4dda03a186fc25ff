"""DB instances and clusters of PostgreSQL.

AWS: they are `creating`, `rebooting`, `stopping` and `starting` until that is done; a Multi-AZ
instance has a second Availability Zone, and the two change places in a failover; events tell of
it.
moto: the final state holds at once, a reboot and a forced failover leave no trace, and endpoints
are names that lead nowhere. Here the calls set the state of the way there and leave a request,
which `chaos.lab.database` carries out before it sets the final state.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from moto.rds.exceptions import (
    InvalidDBClusterStateFault,
    InvalidDBInstanceStateError,
    InvalidParameterCombination,
)
from moto.rds.models import DBCluster, DBInstance, DBInstanceClustered, Event, RDSBackend
from moto.rds.responses import RDSResponse

from chaos.lab.overlays.wrapping import around

ENGINES = ("postgres", "aurora-postgresql")
"""Those that have real servers; of others, moto keeps records."""

AVAILABLE = "available"


@dataclass(frozen=True, slots=True)
class Reboot:
    """Restart the instance of that id, or fail over to its standby."""

    instance: str
    force_failover: bool = False


@dataclass(frozen=True, slots=True)
class FailOver:
    """Make another member of a cluster its writer; any where no id is given."""

    target: str | None


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop an instance or a whole cluster."""


@dataclass(frozen=True, slots=True)
class Start:
    """Start it again."""


Request = Reboot | FailOver | Stop | Start

_EVENTS = {
    "LAB_FAILOVER_STARTED": ("Multi-AZ instance failover started.", "failover"),
    "LAB_FAILOVER_COMPLETED": ("Multi-AZ instance failover completed", "failover"),
    "LAB_FAILOVER_ABANDONED": (
        "Abandoning user requested failover since a failover recently occurred.",
        "failover",
    ),
    "LAB_RESTARTED": ("DB instance restarted", "availability"),
    "LAB_STOPPED": ("DB instance stopped", "notification"),
    "LAB_STARTED": ("DB instance started", "notification"),
    "LAB_RECOVERED": ("Recovery of the DB instance is complete.", "recovery"),
    "LAB_CLUSTER_FAILOVER_STARTED": (
        "Started cross AZ failover to DB instance: {instance}",
        "failover",
    ),
    "LAB_CLUSTER_FAILOVER_COMPLETED": (
        "Completed failover to DB instance: {instance}",
        "failover",
    ),
    "LAB_CLUSTER_STOPPED": ("DB cluster stopped", "notification"),
    "LAB_CLUSTER_STARTED": ("DB cluster started", "notification"),
}
"""Messages and categories as in the RDS User Guide, "Amazon RDS event categories"."""


def requests_of(resource: Any) -> deque[Request]:
    """What was asked of an instance or a cluster and is not begun yet."""
    found: deque[Request] = resource.__dict__.setdefault("lab_requests", deque())
    return found


def is_real(resource: Any) -> bool:
    """Whether there are servers behind it."""
    return resource.engine in ENGINES


def add_event(resource: Any, kind: str, **words: str) -> None:
    """Let DescribeEvents tell of one of the kinds above."""
    event = Event(kind, resource)
    event.message = event.message.format(**words)
    resource.backend.events.append(event)


def install() -> None:
    """Change moto's RDS."""
    Event.EVENT_MAP.update(
        {
            kind: {"Message": text, "Categories": [category]}
            for kind, (text, category) in _EVENTS.items()
        }
    )
    DBCluster.event_source_type = "db-cluster"
    _lead_to_real_endpoints()
    _create()
    _reboot()
    _stop_and_start_instances()
    _stop_and_start_clusters()
    _fail_over()


def _create() -> None:
    @around(RDSBackend, "create_db_instance")
    def create(original: Any, backend: Any, db_kwargs: Any) -> Any:
        made = original(backend, db_kwargs)
        if is_real(made):
            made.status = "creating"
        return made


def _lead_to_real_endpoints() -> None:
    """An endpoint is an address and a port of this machine, shown once something is there."""
    named = DBInstance.endpoint.fget

    def endpoint(instance: Any) -> dict[str, Any] | None:
        if not is_real(instance):
            answer: dict[str, Any] = named(instance)
            return answer
        port = getattr(instance, "lab_port", None)
        return {"Address": "127.0.0.1", "Port": port} if port else None

    DBInstance.endpoint = property(endpoint)
    _cluster_endpoint("endpoint", lambda _: "127.0.0.1")
    _cluster_endpoint("reader_endpoint", lambda cluster: f"127.0.0.1:{cluster.lab_reader_port}")


def _cluster_endpoint(name: str, real: Any) -> None:
    named = getattr(DBCluster, name).fget

    def endpoint(cluster: Any) -> Any:
        return real(cluster) if hasattr(cluster, "lab_reader_port") else named(cluster)

    setattr(DBCluster, name, property(endpoint))


def _reboot() -> None:
    @around(RDSResponse, "reboot_db_instance")
    def reboot(original: Any, response: Any) -> Any:
        instance = response.backend.describe_db_instances(response.params["DBInstanceIdentifier"])[
            0
        ]
        if is_real(instance):
            forced = str(response.params.get("ForceFailover", "")).lower() == "true"
            _request_reboot(instance, forced)
        return original(response)


def _request_reboot(instance: Any, forced: bool) -> None:
    if instance.status != AVAILABLE:
        raise InvalidDBInstanceStateError(instance.db_instance_identifier, "reboot")
    clustered = isinstance(instance, DBInstanceClustered)
    if forced and (clustered or not instance.multi_az):
        raise InvalidParameterCombination(
            "You can't specify ForceFailover for a DB instance that isn't Multi-AZ."
        )
    instance.status = "rebooting"
    owner = instance.cluster if clustered else instance
    requests_of(owner).append(Reboot(instance.db_instance_identifier, forced))


def _stop_and_start_instances() -> None:
    @around(RDSBackend, "stop_db_instance")
    def stop(original: Any, backend: Any, identifier: str, *args: Any, **kwargs: Any) -> Any:
        instance = backend.describe_db_instances(identifier)[0]
        if isinstance(instance, DBInstanceClustered):
            raise InvalidDBInstanceStateError(identifier, "stop")
        stopped = original(backend, identifier, *args, **kwargs)
        if is_real(stopped):
            stopped.status = "stopping"
            requests_of(stopped).append(Stop())
        return stopped

    @around(RDSBackend, "start_db_instance")
    def start(original: Any, backend: Any, identifier: str) -> Any:
        started = original(backend, identifier)
        if is_real(started):
            started.status = "starting"
            requests_of(started).append(Start())
        return started


def _stop_and_start_clusters() -> None:
    for method, way_there, request in (
        ("stop_db_cluster", "stopping", Stop()),
        ("start_db_cluster", "starting", Start()),
    ):
        _pass_through(method, way_there, request)


def _pass_through(method: str, way_there: str, request: Request) -> None:
    @around(RDSBackend, method)
    def change(original: Any, backend: Any, cluster_identifier: str) -> Any:
        answer = original(backend, cluster_identifier)
        cluster = backend.clusters[cluster_identifier]
        if not is_real(cluster):
            return answer
        for changed in (cluster, *cluster.members):
            changed.status = way_there
        requests_of(cluster).append(request)
        return cluster


def _fail_over() -> None:
    @around(RDSBackend, "failover_db_cluster")
    def fail_over(
        original: Any,
        backend: Any,
        db_cluster_identifier: str,
        target_db_instance_identifier: str | None = None,
    ) -> Any:
        cluster = backend.describe_db_clusters(db_cluster_identifier)[0]
        if not is_real(cluster):
            return original(backend, db_cluster_identifier, target_db_instance_identifier)
        readers = [one for one in cluster.members if not one.is_cluster_writer]
        ids = [one.db_instance_identifier for one in readers if one.status == AVAILABLE]
        wanted = target_db_instance_identifier
        if cluster.status != AVAILABLE or not ids or (wanted and wanted.lower() not in ids):
            raise InvalidDBClusterStateFault(
                f"Database cluster:{db_cluster_identifier} should have a reader in available "
                "state to fail over to."
            )
        cluster.status = "failing-over"
        requests_of(cluster).append(FailOver(wanted.lower() if wanted else None))
        return cluster
