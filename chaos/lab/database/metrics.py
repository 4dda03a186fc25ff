"""What CloudWatch is told of the databases, from what each primary says of itself.

Source: Amazon RDS User Guide, "Amazon CloudWatch metrics for Amazon RDS", and Amazon Aurora User
Guide, "Amazon CloudWatch metrics for Amazon Aurora".
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

from chaos.lab.cloudwatch.metric import Metric, Values
from chaos.lab.cloudwatch.publisher import Measurement
from chaos.lab.database.cluster import DbCluster
from chaos.lab.database.deployment import Deployment
from chaos.lab.database.server import Server, ServerError

NAMESPACE = "AWS/RDS"

_ANSWER_WITHIN = 1.0

_QUESTION = """
    SELECT (SELECT count(*) FROM pg_stat_activity
            WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()),
           (SELECT max(extract(epoch FROM coalesce(replay_lag, '0'))) FROM pg_stat_replication)
"""
"""Connections of clients, and how many seconds the slowest standby is behind; no standby, no row
of it."""


class DatabaseMetrics:
    """Asks the primaries; one that does not answer has nothing to say, as on AWS."""

    def __init__(self, deployments: Callable[[], Sequence[Deployment]]) -> None:
        self._deployments = deployments

    def __call__(self) -> Iterator[Measurement]:
        """How it is now."""
        for deployment in self._deployments():
            primary = deployment.set.primary
            said = asyncio.run(_ask(primary.server)) if primary else None
            if said:
                yield from _measurements(deployment, *said)


async def _ask(server: Server) -> tuple[int, float | None] | None:
    try:
        async with asyncio.timeout(_ANSWER_WITHIN), server.session() as session:
            said = await session.fetchrow(_QUESTION)
    except (ServerError, TimeoutError):
        return None
    if said is None:
        return None
    connections, lag = said
    return int(connections), None if lag is None else float(lag)


def _measurements(
    deployment: Deployment, connections: int, lag: float | None
) -> Iterator[Measurement]:
    """Of a cluster under its own name, its writer's; a Multi-AZ standby's lag AWS does not tell."""
    is_cluster = isinstance(deployment, DbCluster)
    dimension = "DBClusterIdentifier" if is_cluster else "DBInstanceIdentifier"

    def of(name: str, value: float, unit: str) -> Measurement:
        metric = Metric.of(NAMESPACE, name, {dimension: deployment.name})
        return Measurement(metric, Values.one(value), unit)

    yield of("DatabaseConnections", connections, "Count")
    if is_cluster and lag is not None:
        yield of("AuroraReplicaLagMaximum", 1000 * lag, "Milliseconds")
