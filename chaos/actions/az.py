"""Faults of whole Availability Zones.

Source: AWS FIS User Guide, scenario library, "AZ Availability: Power Interruption".
"""

from __future__ import annotations

from pydantic import Field

from chaos.actions.action import Parameters
from chaos.actions.composite import Composite, Part
from chaos.model.experiment import Target
from chaos.model.fields import Duration


class PowerInterruptionParameters(Parameters):
    """Which zone, and what of it; how long it lasts is the action's `duration`."""

    zone: str = Field(alias="availabilityZone", description="The zone: us-east-1a.")
    tags: dict[str, str] = Field(
        min_length=1, description="Of the application: only what has all of these tags is hit."
    )
    network_duration: Duration = Field(
        default=120.0,
        alias="networkDuration",
        description="How long the network is gone, if the whole lasts longer: 2m, as in FIS.",
    )


class PowerInterruption(Composite):
    """Cut the power of an Availability Zone for the parts of an application that are in it.

    As the FIS scenario has it: its instances stop, groups cannot launch there, its network is gone
    for the first two minutes, and databases and caches that have their primary there fail over.
    """

    id = "aws:az:power-interruption"
    permissions = (
        "autoscaling:DescribeAutoScalingGroups",
        "ec2:DescribeInstances",
        "ec2:DescribeSubnets",
        "elasticache:DescribeReplicationGroups",
        "rds:DescribeDBClusters",
        "rds:DescribeDBInstances",
    )
    Parameters = PowerInterruptionParameters

    def parts(self, duration: float) -> list[Part]:
        """Failovers first: AWS refuses them for what has begun to fail over by itself.

        Launches end before the instances do, so that no replacement comes up in the zone.
        """
        return [
            *self._failovers(),
            self._no_cache_nodes(duration),
            self._no_launches(duration),
            self._no_network(min(duration, self.parameters.network_duration)),
            self._no_instances(duration),
        ]

    def _no_launches(self, duration: float) -> Part:
        return Part(
            name="exclude-zone-from-groups",
            action="aws:autoscaling:exclude-availability-zone",
            target=self._tagged("aws:ec2:autoscaling-group", "AvailabilityZones"),
            parameters={"availabilityZoneIdentifiers": [self.parameters.zone]},
            duration=duration,
        )

    def _no_network(self, duration: float) -> Part:
        return Part(
            name="disrupt-network",
            action="aws:network:disrupt-connectivity",
            target=self._tagged("aws:ec2:subnet", "AvailabilityZone"),
            parameters={"scope": "all"},
            duration=duration,
        )

    def _no_instances(self, duration: float) -> Part:
        return Part(
            name="stop-instances",
            action="aws:ec2:stop-instances",
            target=self._tagged(
                "aws:ec2:instance", "Placement.AvailabilityZone", {"State.Name": ["running"]}
            ),
            parameters={"completeIfInstancesTerminated": True},
            duration=duration,
        )

    def _failovers(self) -> list[Part]:
        """Of Multi-AZ instances with their primary, and clusters with their writer, in the zone."""
        instances = Part(
            name="fail-over-databases",
            action="aws:rds:reboot-db-instances",
            target=self._tagged("aws:rds:db", "AvailabilityZone", {"MultiAZ": ["True"]}),
            parameters={"forceFailover": True},
        )
        clusters = Part(
            name="fail-over-clusters",
            action="aws:rds:failover-db-cluster",
            target=Target(type="aws:rds:cluster", tags=self.parameters.tags),
            zone=self.parameters.zone,
        )
        return [instances, clusters]

    def _no_cache_nodes(self, duration: float) -> Part:
        return Part(
            name="interrupt-caches",
            action="aws:elasticache:replicationgroup-interrupt-az-power",
            target=self._tagged(
                "aws:elasticache:replicationgroup",
                "NodeGroups.NodeGroupMembers.PreferredAvailabilityZone",
            ),
            parameters={"availabilityZoneIdentifier": self.parameters.zone},
            duration=duration,
        )

    def _tagged(
        self, resource: str, path_of_zone: str, filters: dict[str, list[str]] | None = None
    ) -> Target:
        """The application's resources of a type that are in the zone, or have something there."""
        in_zone = {path_of_zone: [self.parameters.zone]}
        return Target.model_validate(
            {
                "type": resource,
                "tags": self.parameters.tags,
                "filters": {**in_zone, **(filters or {})},
            }
        )
