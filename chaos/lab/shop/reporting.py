"""The shop's own CloudWatch metrics, which each instance sends to the API by itself.

Namespace `Shop`: ResponseTime (Seconds) and ErrorRate (Percent, 100 for each answer that is a 5xx
and 0 for each other), over all instances and by Availability Zone. The call is made and signed with
the standard library: an AWS SDK would make an instance start half a second later.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import http.client
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

NAMESPACE = "Shop"

_UNMEASURED = frozenset({"/health", "/metrics"})
_FAILURE = 500
_PATIENCE = 2.0
_MOST_VALUES = 150
"""Different values that one datum may have."""

_AWS_PERIOD = 60.0

_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where metrics go, and whose they are."""

    endpoint_url: str
    region: str
    access_key_id: str
    secret_access_key: str
    zone: str
    period: float
    """Seconds between two calls."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self | None:
        """As the instance's environment has it; None where it names no API."""
        if "AWS_ENDPOINT_URL" not in environment:
            return None
        return cls(
            endpoint_url=environment["AWS_ENDPOINT_URL"],
            region=environment["AWS_REGION"],
            access_key_id=environment["AWS_ACCESS_KEY_ID"],
            secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            zone=environment["AVAILABILITY_ZONE"],
            period=float(environment.get("METRICS_PERIOD", _AWS_PERIOD)),
        )


class Reporter:
    """Measures every request that passes to the application, and reports once in a period."""

    def __init__(self, app: ASGIApp, destination: Destination) -> None:
        self._app = app
        self._destination = destination
        self._times: Counter[float] = Counter()
        self._failed: Counter[float] = Counter()
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer, and take the time."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._task is None:
            self._task = asyncio.create_task(self._report_again_and_again())
        status = _FAILURE

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = time.perf_counter()
        try:
            await self._app(scope, receive, note)
        finally:
            if scope["path"] not in _UNMEASURED:
                self._times[float(f"{time.perf_counter() - began:.2g}")] += 1
                self._failed[100.0 if status >= _FAILURE else 0.0] += 1

    async def _report_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(self._destination.period)
            if self._times:
                form = self._form()
                self._times, self._failed = Counter(), Counter()
                with contextlib.suppress(OSError, http.client.HTTPException):  # A lost report.
                    await asyncio.to_thread(_post, self._destination, form)

    def _form(self) -> dict[str, str]:
        data = [
            datum
            for zone in (None, self._destination.zone)
            for datum in (
                *_data("ResponseTime", "Seconds", self._times, zone),
                *_data("ErrorRate", "Percent", self._failed, zone),
            )
        ]
        form = {"Action": "PutMetricData", "Version": "2010-08-01", "Namespace": NAMESPACE}
        for number, datum in enumerate(data, start=1):
            form |= {f"MetricData.member.{number}.{key}": value for key, value in datum.items()}
        return form


def _data(
    name: str, unit: str, times_of: Mapping[float, int], zone: str | None
) -> Iterator[dict[str, str]]:
    values = sorted(times_of.items())
    for start in range(0, len(values), _MOST_VALUES):
        datum = {"MetricName": name, "Unit": unit, "StorageResolution": "1"}
        if zone:
            datum["Dimensions.member.1.Name"] = "AvailabilityZone"
            datum["Dimensions.member.1.Value"] = zone
        for number, (value, times) in enumerate(values[start : start + _MOST_VALUES], start=1):
            datum[f"Values.member.{number}"] = repr(value)
            datum[f"Counts.member.{number}"] = str(times)
        yield datum


def _post(destination: Destination, form: Mapping[str, str]) -> None:
    """Send the form to the API.

    Raises:
        OSError: the API does not answer.
    """
    address = urlsplit(destination.endpoint_url)
    body = urlencode(form)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=_PATIENCE)
    try:
        headers = signed_headers(destination, address.netloc, body, datetime.now(UTC))
        connection.request("POST", "/", body, headers)
        connection.getresponse().read()
    finally:
        connection.close()


def signed_headers(destination: Destination, host: str, body: str, now: datetime) -> dict[str, str]:
    """The headers of a POST to `/` of CloudWatch, signed.

    Source: AWS IAM User Guide, "AWS Signature Version 4 for API requests".
    """
    moment, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    headers = {"content-type": _FORM, "host": host, "x-amz-date": moment}
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = f"POST\n/\n\n{lines}\n{names}\n{_sha256(body)}"
    scope = f"{day}/{destination.region}/monitoring/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{_sha256(request)}"
    key = f"AWS4{destination.secret_access_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    credential = f"Credential={destination.access_key_id}/{scope}"
    authorization = f"{credential}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "authorization": f"AWS4-HMAC-SHA256 {authorization}"}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
