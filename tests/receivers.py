"""Local receivers of what is sent to people: a webhook and a mail server."""

from __future__ import annotations

import base64
import json
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass
class Received:
    """What came in, and what is answered."""

    url: str = ""
    port: int = 0
    posts: list[tuple[str, Any]] = field(default_factory=list)
    """Paths and JSON bodies."""
    statuses: list[int] = field(default_factory=list)
    """Answers to the next posts; then 200."""
    answer: bytes = b'{"allow": true}'
    mails: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    """What was given to the mail server, which takes nobody and repeats it."""


@contextmanager
def webhook() -> Iterator[Received]:
    """A server that takes posts."""
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, b"ok")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.posts.append((self.path, json.loads(body)))
            status = received.statuses.pop(0) if received.statuses else 200
            self._answer(status, received.answer)

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        received.port, received.url = port, f"http://127.0.0.1:{port}"
        yield received


@contextmanager
def mail_server() -> Iterator[Received]:
    """A server that speaks as much SMTP as it takes to accept a mail."""
    received = Received()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            answers = {
                b"EHLO": b"250-here\r\n250 AUTH PLAIN\r\n",
                b"DATA": b"354 go on\r\n",
                b"QUIT": b"221 bye\r\n",
            }
            for line in self.rfile:
                word = line[:4].upper()
                if word == b"AUTH":
                    given = base64.b64decode(line.split()[-1])
                    received.logins.append(given.decode())
                    answers[word] = b"535 no such user: " + given.replace(b"\0", b" ") + b"\r\n"
                self.wfile.write(answers.get(word, b"250 yes\r\n"))
                if word == b"DATA":
                    text = b"".join(iter(self.rfile.readline, b".\r\n"))
                    received.mails.append(text.decode())
                    self.wfile.write(b"250 taken\r\n")
                if word == b"QUIT":
                    return

    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as port:
        received.port = port
        yield received


@contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[int]:
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
