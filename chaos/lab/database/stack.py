"""The shop's database, made through the API as a team would."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3

if TYPE_CHECKING:
    from mypy_boto3_rds import RDSClient
    from mypy_boto3_rds.type_defs import TagTypeDef

INSTANCE = "shop-db"

_SUBNETS = "shop-db"
_USER = _DATABASE = "shop"
_TAGS: Sequence[TagTypeDef] = [{"Key": "app", "Value": "shop"}, {"Key": "Name", "Value": INSTANCE}]
_POLL_EVERY = 0.05


class DatabaseFailedError(Exception):
    """The database did not become available."""


@dataclass(frozen=True, slots=True)
class ShopDatabase:
    """The database that is being made."""

    _rds: RDSClient
    _password: str

    def await_url(self, within: float) -> str:
        """What the shop is configured with; returns once the instance is available.

        It is for a shell: where the environment has an own way to the endpoint, that is taken.

        Raises:
            DatabaseFailedError: it does not become available in so many seconds.
        """
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            found = self._rds.describe_db_instances(DBInstanceIdentifier=INSTANCE)
            instance = found["DBInstances"][0]
            if instance["DBInstanceStatus"] == "failed":
                break
            if instance["DBInstanceStatus"] == "available":
                address = f"{instance['Endpoint']['Address']}:{instance['Endpoint']['Port']}"
                place = f"${{SHOP_DB_ENDPOINT:-{address}}}"
                return f"postgresql://{_USER}:{self._password}@{place}/{_DATABASE}"
            time.sleep(_POLL_EVERY)
        raise DatabaseFailedError("the shop's database does not become available")


def build(
    session: boto3.Session, endpoint: str, zones: Sequence[str], subnets: Sequence[str]
) -> ShopDatabase:
    """Make a Multi-AZ instance with its primary in the first zone.

    Raises:
        botocore.exceptions.ClientError: the API refuses something.
    """
    rds: RDSClient = session.client("rds", endpoint_url=endpoint)
    rds.create_db_subnet_group(
        DBSubnetGroupName=_SUBNETS,
        DBSubnetGroupDescription="All zones of the shop",
        SubnetIds=subnets,
        Tags=_TAGS,
    )
    password = secrets.token_urlsafe(16)
    rds.create_db_instance(
        DBInstanceIdentifier=INSTANCE,
        DBInstanceClass="db.t4g.small",
        Engine="postgres",
        EngineVersion="18.1",
        AllocatedStorage=20,
        DBName=_DATABASE,
        MasterUsername=_USER,
        MasterUserPassword=password,
        MultiAZ=True,
        AvailabilityZone=zones[0],
        DBSubnetGroupName=_SUBNETS,
        Tags=_TAGS,
    )
    return ShopDatabase(rds, password)
