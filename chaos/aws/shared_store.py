"""Small texts that several machines share, in S3 or DynamoDB, with conditional writes.

An entry has a folder and a name. In S3 its key is `prefix/folder/name`; in DynamoDB the folder is
the partition key and the name the sort key. All reads see all writes that were made before.

Sources: Amazon S3 User Guide, "How to prevent object overwrites with conditional writes"; Amazon
DynamoDB Developer Guide, "Condition expressions" and "Read consistency".
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from chaos.aws.factory import ClientFactory
from chaos.model.problems import EnvironmentUnusable
from chaos.model.shared_place import PlaceKind, SharedPlace

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept under a name."""

    text: str
    version: str
    """Another one after each write."""


class StoreFailed(EnvironmentUnusable):
    """The place cannot be reached, does not exist, or does not allow it."""


class Conflict(Exception):
    """The entry is not as the writer expected: somebody else has written it meanwhile.

    Also where a write had its effect, but its answer was lost and it was made again.
    """


class SharedStore(Protocol):
    """A place that several machines share. Every method may raise `StoreFailed`."""

    def read(self, folder: str, name: str) -> Entry | None:
        """The entry of that name; None where there is none."""

    def write(self, folder: str, name: str, text: str, expected: str | None) -> str:
        """Write where the entry still has the version `expected` (None: where there is no entry).

        Returns the new version. Raises `Conflict` where it is not so.
        """

    def put(self, folder: str, name: str, text: str) -> None:
        """Write, whatever is there."""

    def delete(self, folder: str, name: str) -> None:
        """Have no entry of that name; none was there is no error."""

    def list(self, folder: str) -> dict[str, str]:
        """The texts in that folder by name, in order of the names."""


def open_store(place: SharedPlace, clients: ClientFactory | None) -> SharedStore:
    """The store at that place; it is not asked for anything yet.

    Raises:
        StoreFailed: there is no AWS to ask.
    """
    if clients is None:
        raise StoreFailed(f"{place} needs AWS; the environment has only a host")
    if place.kind is PlaceKind.S3:
        return S3Store(place, clients.client("s3"))
    return DynamoDbStore(place, clients.client("dynamodb"))


@contextmanager
def _told(place: SharedPlace, *conflicts: str) -> Iterator[None]:
    """boto3's errors in the store's words; those with a code of `conflicts` are conflicts."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in conflicts:
            raise Conflict from error
        raise StoreFailed(f"{place}: {error}") from error
    except BotoCoreError as error:
        raise StoreFailed(f"{place}: {error}") from error


class S3Store:
    """One object for each entry."""

    def __init__(self, place: SharedPlace, client: S3Client) -> None:
        self._place = place
        self._s3 = client

    def read(self, folder: str, name: str) -> Entry | None:
        """See `SharedStore`."""
        with _told(self._place):
            try:
                got = self._s3.get_object(Bucket=self._place.name, Key=self._key(folder, name))
            except self._s3.exceptions.NoSuchKey:
                return None
            return Entry(got["Body"].read().decode(), got["ETag"])

    def write(self, folder: str, name: str, text: str, expected: str | None) -> str:
        """See `SharedStore`."""
        condition: Any = {"IfNoneMatch": "*"} if expected is None else {"IfMatch": expected}
        conflicts = ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey")
        with _told(self._place, *conflicts):
            return self._put(folder, name, text, condition)

    def put(self, folder: str, name: str, text: str) -> None:
        """See `SharedStore`."""
        with _told(self._place):
            self._put(folder, name, text, {})

    def delete(self, folder: str, name: str) -> None:
        """See `SharedStore`."""
        with _told(self._place):
            self._s3.delete_object(Bucket=self._place.name, Key=self._key(folder, name))

    def list(self, folder: str) -> dict[str, str]:
        """See `SharedStore`."""
        start = self._key(folder, "")
        with _told(self._place):
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._place.name, Prefix=start, Delimiter="/"
            )
            names = [found["Key"][len(start) :] for p in pages for found in p.get("Contents", ())]
        entries = {name: self.read(folder, name) for name in sorted(names)}
        return {name: entry.text for name, entry in entries.items() if entry is not None}

    def _put(self, folder: str, name: str, text: str, condition: Any) -> str:
        key = self._key(folder, name)
        made = self._s3.put_object(
            Bucket=self._place.name, Key=key, Body=text.encode(), **condition
        )
        return made["ETag"]

    def _key(self, folder: str, name: str) -> str:
        return "/".join([*filter(None, [self._place.prefix]), folder, name])


class DynamoDbStore:
    """One item for each entry, in a table with the keys `folder` and `name`, both text."""

    def __init__(self, place: SharedPlace, client: DynamoDBClient) -> None:
        self._place = place
        self._dynamodb = client

    def read(self, folder: str, name: str) -> Entry | None:
        """See `SharedStore`."""
        with _told(self._place):
            answer = self._dynamodb.get_item(
                TableName=self._place.name, Key=_key(folder, name), ConsistentRead=True
            )
        item = answer.get("Item")
        return Entry(item["text"]["S"], item["version"]["S"]) if item else None

    def write(self, folder: str, name: str, text: str, expected: str | None) -> str:
        """See `SharedStore`."""
        condition: Any = {"ConditionExpression": "attribute_not_exists(#version)"}
        if expected is not None:
            values = {":expected": {"S": expected}}
            condition = {
                "ConditionExpression": "#version = :expected",
                "ExpressionAttributeValues": values,
            }
        condition["ExpressionAttributeNames"] = {"#version": "version"}
        with _told(self._place, "ConditionalCheckFailedException"):
            return self._put(folder, name, text, condition)

    def put(self, folder: str, name: str, text: str) -> None:
        """See `SharedStore`."""
        with _told(self._place):
            self._put(folder, name, text, {})

    def delete(self, folder: str, name: str) -> None:
        """See `SharedStore`."""
        with _told(self._place):
            self._dynamodb.delete_item(TableName=self._place.name, Key=_key(folder, name))

    def list(self, folder: str) -> dict[str, str]:
        """See `SharedStore`."""
        with _told(self._place):
            pages = self._dynamodb.get_paginator("query").paginate(
                TableName=self._place.name,
                KeyConditionExpression="#folder = :folder",
                ExpressionAttributeNames={"#folder": "folder"},
                ExpressionAttributeValues={":folder": {"S": folder}},
                ConsistentRead=True,
            )
            return {
                item["name"]["S"]: item["text"]["S"] for page in pages for item in page["Items"]
            }

    def _put(self, folder: str, name: str, text: str, condition: Any) -> str:
        version = uuid.uuid4().hex
        item = {**_key(folder, name), "text": {"S": text}, "version": {"S": version}}
        self._dynamodb.put_item(TableName=self._place.name, Item=item, **condition)
        return version


def _key(folder: str, name: str) -> Any:
    return {"folder": {"S": folder}, "name": {"S": name}}
