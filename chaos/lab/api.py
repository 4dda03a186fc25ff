"""The AWS API of the lab: moto over HTTP on loopback, for those who have the lab's key.

User data is run as whoever owns the lab, so not everybody on this machine may call the API: every
request must name the lab's own access key, which stands in the lab's directory only, or one that
was issued through the API itself (STS, IAM).
"""

from __future__ import annotations

import io
import json
import re
import sys
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import BaseWSGIServer, make_server

LAB_PATH = "/_lab/"
"""What is below it, the lab answers itself."""

Environ = dict[str, Any]
StartResponse = Callable[..., Any]

_KEY = re.compile(r"Credential=([^/,\s]+)")

_READ_ONLY = re.compile("(Batch)?(Describe|Get|List|Head|Search|Lookup)")

_RECONCILED = re.compile(
    "/(ec2|autoscaling|elasticloadbalancing|elasticache|rds|cloudformation)/aws4_request"
)
"""Services whose state the reconciler reads: their calls are made one at a time."""


_TOLD = "The access key is not this lab's. Take the lines that 'chaos lab env' prints."

_REFUSAL_JSON = json.dumps({"__type": "UnrecognizedClientException", "message": _TOLD}).encode()

_REFUSAL_XML = f"""<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code>
<Message>{_TOLD}</Message></Error><RequestId>lab</RequestId></ErrorResponse>""".encode()


class _QuietHandler(MotoRequestHandler):  # type: ignore[misc]  # moto ships no types
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Nothing: each request would be a line."""


class Api:
    """Serves moto; tells `on_change` of each call that may have changed something."""

    def __init__(
        self,
        access_key: str,
        lock: threading.RLock,
        on_change: Callable[[], None],
        answers: dict[str, Callable[[], Any]],
    ) -> None:
        self._access_key = access_key
        self._lock = lock
        self._on_change = on_change
        self._answers = answers
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._server: BaseWSGIServer = make_server(
            "127.0.0.1", 0, self, threaded=True, request_handler=_QuietHandler
        )
        self.port: int = self._server.server_port

    def start(self) -> None:
        """Serve from a thread of its own."""
        threading.Thread(target=self._server.serve_forever, name="api", daemon=True).start()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, as WSGI has it."""
        if not self._is_known(_access_key_of(environ)):
            return _refuse(environ, start_response)
        path = environ["PATH_INFO"]
        if path.startswith(LAB_PATH):
            return self._answer(path.removeprefix(LAB_PATH), start_response)
        reads = _READ_ONLY.match(_action_of(environ)) is not None
        if not _RECONCILED.search(environ.get("HTTP_AUTHORIZATION", "")):
            return self._moto(environ, start_response)  # type: ignore[no-any-return]
        with self._lock:
            body = list(self._moto(environ, start_response))
        if not reads:
            self._on_change()
        return body

    def _is_known(self, key: str) -> bool:
        return key == self._access_key or (bool(key) and key in _issued_keys())

    def _answer(self, name: str, start_response: StartResponse) -> Iterable[bytes]:
        if name not in self._answers:
            start_response("404 Not Found", [])
            return [b""]
        body = json.dumps(self._answers[name]()).encode()
        start_response("200 OK", [("Content-Type", "application/json")])
        return [body]


def _access_key_of(environ: Environ) -> str:
    signed = _KEY.search(environ.get("HTTP_AUTHORIZATION", ""))
    if signed:
        return str(signed[1])
    query = parse_qs(environ.get("QUERY_STRING", ""))  # A presigned URL.
    return str(query.get("X-Amz-Credential", [""])[0].partition("/")[0])


def _issued_keys() -> set[str]:
    """Access keys that moto's STS and IAM have given out, if they were ever used."""
    sts, iam = sys.modules.get("moto.sts.models"), sys.modules.get("moto.iam.models")
    keys: set[str] = set()
    if sts:
        for backend in sts.sts_backends.values():
            keys.update(role.access_key_id for role in backend["aws"].assumed_roles)
    if iam:
        for backend in iam.iam_backends.values():
            keys.update(key.access_key_id for key in backend["aws"].access_keys.values())
    return keys


def _action_of(environ: Environ) -> str:
    """The name of the call, empty where it is not one of AWS's query or JSON protocols."""
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return str(target).rpartition(".")[2]
    if not environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return ""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return str(parse_qs(body.decode()).get("Action", [""])[0])


def _refuse(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """As AWS refuses a key it does not know, in the protocol of the call."""
    speaks_json = "HTTP_X_AMZ_TARGET" in environ
    kind = "application/x-amz-json-1.1" if speaks_json else "text/xml"
    start_response(f"{HTTPStatus.FORBIDDEN.value} Forbidden", [("Content-Type", kind)])
    return [_REFUSAL_JSON if speaks_json else _REFUSAL_XML]
