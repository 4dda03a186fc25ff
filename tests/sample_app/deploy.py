"""Puts this version behind the platform's load balancer, as `deployment.toml` says."""

from __future__ import annotations

import base64
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

if TYPE_CHECKING:
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client

HERE = Path(__file__).parent.resolve()
PLATFORM = "shop"
"""The platform's names: its load balancer, target group, group of instances and tag."""

USER_DATA = f"#!/bin/sh\ncd '{HERE}'\nexec python -m quotes\n"


def main() -> None:
    """Launch our instances, wait until they are healthy, and retire the others."""
    wanted = tomllib.loads((HERE / "deployment.toml").read_text())
    scaling, elbv2 = boto3.client("autoscaling"), boto3.client("elbv2")
    target_group = elbv2.describe_target_groups(Names=[PLATFORM])["TargetGroups"][0]
    arn = target_group["TargetGroupArn"]
    make_launch_template()
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="quotes",
        LaunchTemplate={"LaunchTemplateName": "quotes", "Version": "$Latest"},
        MinSize=wanted["instances"],
        MaxSize=wanted["instances"],
        VPCZoneIdentifier=",".join(subnets_in(wanted["zones"])),
        TargetGroupARNs=[arn],
        Tags=[{"Key": "app", "Value": "quotes", "PropagateAtLaunch": True}],
    )
    scaling.update_auto_scaling_group(
        AutoScalingGroupName=PLATFORM, MinSize=0, MaxSize=0, DesiredCapacity=0
    )
    await_targets(elbv2, arn, wanted["instances"])


def make_launch_template() -> None:
    """What each of our instances runs."""
    boto3.client("ec2").create_launch_template(
        LaunchTemplateName="quotes",
        LaunchTemplateData={
            "ImageId": "ami-0123456789abcdef0",
            "InstanceType": "t3.micro",
            "UserData": base64.b64encode(USER_DATA.encode()).decode(),
        },
    )


def subnets_in(zones: list[str]) -> list[str]:
    """The platform's subnets in these zones."""
    found = boto3.client("ec2").describe_subnets(
        Filters=[
            {"Name": "tag:app", "Values": [PLATFORM]},
            {"Name": "availability-zone", "Values": zones},
        ]
    )
    return [subnet["SubnetId"] for subnet in found["Subnets"]]


def await_targets(elbv2: ElasticLoadBalancingv2Client, arn: str, count: int) -> None:
    """Return once these many targets are there, and healthy."""
    deadline = time.monotonic() + 60
    while True:
        described = elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        states = [one["TargetHealth"]["State"] for one in described]
        if states == ["healthy"] * count:
            return
        if time.monotonic() > deadline:
            raise SystemExit(f"the deployment did not become healthy: {states}")
        time.sleep(0.2)


if __name__ == "__main__":
    main()
