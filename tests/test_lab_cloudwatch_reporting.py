"""What an instance of the shop tells CloudWatch of itself, and how it signs that."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from chaos.lab.shop.reporting import Destination, Reporter, signed_headers
from tests.eventually import eventually

PERIOD = 0.05


class _Recording(BaseHTTPRequestHandler):
    """Keeps the forms that it is sent."""

    forms: list[dict[str, list[str]]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.forms.append(parse_qs(body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def api() -> Iterator[tuple[str, list[dict[str, list[str]]]]]:
    """An endpoint, and the forms it has got."""

    class Handler(_Recording):
        forms: list[dict[str, list[str]]] = []  # noqa: RUF012 - of this test's server alone

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", Handler.forms
    server.shutdown()
    server.server_close()


def destination(endpoint: str) -> Destination:
    """Where an instance in us-east-1a reports to."""
    found = Destination.of(
        {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AVAILABILITY_ZONE": "us-east-1a",
            "METRICS_PERIOD": str(PERIOD),
        }
    )
    assert found
    return found


def test_an_instance_without_an_api_reports_nothing() -> None:
    """As when somebody runs the shop by hand."""
    assert Destination.of({}) is None


def test_requests_are_signed_as_an_sdk_signs_them() -> None:
    """Byte for byte what botocore makes of the same request at the same time."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    body, host = "Action=PutMetricData&Version=2010-08-01", "127.0.0.1:4566"
    now = datetime.now(UTC)
    ours = signed_headers(destination(f"http://{host}"), host, body, now)
    request = AWSRequest(
        "POST", f"http://{host}/", data=body, headers={"content-type": ours["content-type"]}
    )
    request.context["timestamp"] = ours["x-amz-date"]
    request.headers["X-Amz-Date"] = ours["x-amz-date"]
    signer = SigV4Auth(Credentials("AKIAEXAMPLE", "secret"), "monitoring", "us-east-1")
    text = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, text), request)
    assert ours["authorization"].endswith(f"Signature={signature}")


def test_each_period_is_reported_with_what_happened_in_it(
    api: tuple[str, list[dict[str, list[str]]]],
) -> None:
    """Times and failures of requests, not of health checks; over all and by zone."""
    endpoint, forms = api

    async def application(scope: Any, _: Any, send: Any) -> None:
        status = 503 if scope["path"] == "/broken" else 200
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(_: Any) -> None:
        """Nobody listens."""

    async def serve() -> None:
        reporter = Reporter(application, destination(endpoint))
        for path in ("/products", "/broken", "/health", "/metrics", "/products", "/products"):
            await reporter({"type": "http", "path": path}, None, send)  # type: ignore[arg-type]
        await asyncio.to_thread(eventually, lambda: forms, 10, "a report")

    asyncio.run(serve())
    (form,) = forms
    data = {
        (form[f"{one}.MetricName"][0], form.get(f"{one}.Dimensions.member.1.Value", ["all"])[0]): {
            float(form[f"{one}.Values.member.{n}"][0]): int(form[f"{one}.Counts.member.{n}"][0])
            for n in range(1, 9)
            if f"{one}.Values.member.{n}" in form
        }
        for one in (f"MetricData.member.{number}" for number in range(1, 5))
    }
    assert form["Namespace"] == ["Shop"]
    assert set(data) == {
        (name, whose) for name in ("ResponseTime", "ErrorRate") for whose in ("all", "us-east-1a")
    }
    assert data["ErrorRate", "all"] == {0: 3, 100: 1}
    assert sum(data["ResponseTime", "us-east-1a"].values()) == 4
