"""The service: `PORT=8080 python -m quotes`."""

from __future__ import annotations

import os
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from quotes import quote


class Handler(BaseHTTPRequestHandler):
    """Answers `/health` and `/quotes/{number}`."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer one request."""
        *_, name = self.path.split("/")
        if self.path == "/health":
            self._answer(HTTPStatus.OK, "ok")
        elif self.path.startswith("/quotes/") and name.isdecimal():
            self._answer(HTTPStatus.OK, quote(int(name)))
        else:
            self._answer(HTTPStatus.NOT_FOUND, "no such quote")

    def _answer(self, status: HTTPStatus, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.send_header("X-Served-Zone", os.environ.get("AVAILABILITY_ZONE", "here"))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Keep quiet: the load balancer keeps the access log."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
