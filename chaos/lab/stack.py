"""The shop's stack: what a team would have in its account, made through the API by boto3."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Sequence
from typing import TYPE_CHECKING

import boto3

from chaos.lab.cache import stack as cache
from chaos.lab.cloudwatch import stack as alarm
from chaos.lab.database import stack as database
from chaos.lab.settings import LabSettings

if TYPE_CHECKING:
    from mypy_boto3_ec2.literals import ResourceTypeType
    from mypy_boto3_ec2.type_defs import TagSpecificationTypeDef, TagTypeDef

NAME = "shop"

USER_DATA = """#!/bin/sh
export DATABASE_URL="{database_url}"
exec python -m chaos.lab.shop
"""

_NETWORK = ipaddress.ip_network("10.0.0.0/16")
_IMAGE = "ami-0123456789abcdef0"
_MOST_INSTANCES = 12
_TAG: TagTypeDef = {"Key": "app", "Value": NAME}


def build(
    session: boto3.Session, endpoint: str, zones: Sequence[str], settings: LabSettings
) -> None:
    """Make the stack: network, load balancer, launch template and group, tagged `app: shop`.

    Raises:
        botocore.exceptions.ClientError: the API refuses something.
    """
    vpc, subnets = _network(session, endpoint, zones)
    shop_database = database.build(session, endpoint, zones, subnets)
    cache.build(session, endpoint, zones, subnets)
    target_group = _load_balancer(session, endpoint, vpc, subnets, settings)
    _launch_template(session, endpoint, shop_database.await_url(settings.start_timeout))
    _group(session, endpoint, subnets, target_group, settings)


def _tagged(kind: ResourceTypeType, name: str) -> list[TagSpecificationTypeDef]:
    return [{"ResourceType": kind, "Tags": [_TAG, {"Key": "Name", "Value": name}]}]


def _network(session: boto3.Session, endpoint: str, zones: Sequence[str]) -> tuple[str, list[str]]:
    """One subnet of 4,096 addresses for each zone; most of the VPC stays free for other tiers."""
    ec2 = session.client("ec2", endpoint_url=endpoint)
    vpc = ec2.create_vpc(CidrBlock=str(_NETWORK), TagSpecifications=_tagged("vpc", NAME))
    vpc_id = vpc["Vpc"]["VpcId"]
    blocks = _NETWORK.subnets(new_prefix=20)
    subnets = [
        ec2.create_subnet(
            VpcId=vpc_id,
            CidrBlock=str(block),
            AvailabilityZone=zone,
            TagSpecifications=_tagged("subnet", f"{NAME}-{zone}"),
        )["Subnet"]["SubnetId"]
        for zone, block in zip(zones, blocks, strict=False)
    ]
    return vpc_id, subnets


def _load_balancer(
    session: boto3.Session, endpoint: str, vpc: str, subnets: list[str], settings: LabSettings
) -> str:
    elbv2 = session.client("elbv2", endpoint_url=endpoint)
    target_group: str = elbv2.create_target_group(
        Name=NAME,
        Protocol="HTTP",
        Port=80,
        VpcId=vpc,
        HealthCheckPath="/health",
        HealthCheckIntervalSeconds=max(5, round(settings.health_check_interval)),
        HealthCheckTimeoutSeconds=max(2, round(settings.health_check_timeout)),
        UnhealthyThresholdCount=max(2, settings.unhealthy_threshold),
        HealthyThresholdCount=max(2, settings.healthy_threshold),
        Tags=[_TAG],
    )["TargetGroups"][0]["TargetGroupArn"]
    elbv2.modify_target_group_attributes(
        TargetGroupArn=target_group,
        Attributes=[
            {
                "Key": "deregistration_delay.timeout_seconds",
                "Value": str(round(settings.deregistration_delay)),
            }
        ],
    )
    balancer = elbv2.create_load_balancer(Name=NAME, Subnets=subnets, Tags=[_TAG])
    balancer_arn = balancer["LoadBalancers"][0]["LoadBalancerArn"]
    alarm.build(session, endpoint, balancer_arn)
    elbv2.create_listener(
        LoadBalancerArn=balancer_arn,
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": target_group}],
    )
    return target_group


def _launch_template(session: boto3.Session, endpoint: str, database_url: str) -> None:
    user_data = USER_DATA.format(database_url=database_url)
    session.client("ec2", endpoint_url=endpoint).create_launch_template(
        LaunchTemplateName=NAME,
        LaunchTemplateData={
            "ImageId": _IMAGE,
            "InstanceType": "t3.small",
            "UserData": base64.b64encode(user_data.encode()).decode(),
        },
    )


def _group(
    session: boto3.Session,
    endpoint: str,
    subnets: list[str],
    target_group: str,
    settings: LabSettings,
) -> None:
    tags = {"app": NAME, "Name": NAME}
    session.client("autoscaling", endpoint_url=endpoint).create_auto_scaling_group(
        AutoScalingGroupName=NAME,
        LaunchTemplate={"LaunchTemplateName": NAME, "Version": "$Latest"},
        MinSize=settings.instances,
        DesiredCapacity=settings.instances,
        MaxSize=max(_MOST_INSTANCES, settings.instances),
        VPCZoneIdentifier=",".join(subnets),
        TargetGroupARNs=[target_group],
        HealthCheckType="ELB",
        HealthCheckGracePeriod=round(settings.health_check_grace),
        Tags=[
            {"Key": key, "Value": value, "PropagateAtLaunch": True} for key, value in tags.items()
        ],
    )
