"""A headless Chromium that is spoken to over a pipe: what a page does, and what it looks like.

The DevTools protocol over `--remote-debugging-pipe` is JSON, each message ended by a zero byte, on
file descriptors 3 and 4; so nothing is needed but the browser.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)


def find_browser() -> str | None:
    """The path of a Chromium or Chrome, None where there is none."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    return found or (str(_MAC) if _MAC.exists() else None)


class Page:
    """One tab, and all that it said and asked for."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = commands
        self._answers = os.fdopen(answers, "rb", buffering=0)
        self._unread = b""
        self._session: str | None = None
        self._last_id = 0
        self.complaints: list[str] = []
        """Console messages and exceptions."""
        self.requests: list[str] = []
        """Addresses that the page asked for, other than its own file."""

    def open(self, address: str, *, width: int, height: int, dark: bool = False) -> None:
        """Load the page as a screen of that size shows it, and wait until it is there."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.resize(width, height)
        self.call("Page.navigate", url=address)
        self._until("Page.loadEventFired")

    def resize(self, width: int, height: int) -> None:
        """Make the screen that large, in pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer["result"].get("value")

    def hover(self, x: float, y: float) -> None:
        """Move the pointer there."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def screenshot(self, path: Path) -> None:
        """Write what is seen as PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer."""
        self._last_id += 1
        message: dict[str, Any] = {"id": self._last_id, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._last_id:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return dict(answer["result"])

    def _until(self, event: str) -> None:
        while self._receive().get("method") != event:
            pass

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            more = self._answers.read(1 << 20)
            if not more:
                raise RuntimeError("the browser has gone")
            self._unread += more
        first, self._unread = self._unread.split(b"\0", 1)
        message: dict[str, Any] = json.loads(first)
        self._note(message)
        return message

    def _note(self, message: dict[str, Any]) -> None:
        said = message.get("params", {})
        match message.get("method"):
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded":
                self.complaints.append(json.dumps(said))
            case "Network.requestWillBeSent" if said["type"] != "Document":
                self.requests.append(said["request"]["url"])


@contextlib.contextmanager
def page(browser: str) -> Iterator[Page]:
    """A browser with one tab, gone at the end."""
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = _start(browser, profile, theirs_in, theirs_out)
        try:
            yield Page(ours_out, ours_in)
        finally:
            os.kill(process, signal.SIGTERM)
            os.waitpid(process, 0)
            os.close(ours_out)


def _start(browser: str, profile: str, reads: int, writes: int) -> int:
    """The process id; the browser reads commands from `reads` and answers on `writes`."""
    # Moved out of the way first: one of them may itself be descriptor 3 or 4.
    commands = fcntl.fcntl(reads, fcntl.F_DUPFD_CLOEXEC, 10)
    answers = fcntl.fcntl(writes, fcntl.F_DUPFD_CLOEXEC, 10)
    try:
        return os.posix_spawn(
            browser,
            [browser, *_FLAGS, f"--user-data-dir={profile}"],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_DUP2, commands, 3),
                (os.POSIX_SPAWN_DUP2, answers, 4),
            ],
        )
    finally:
        for descriptor in (reads, writes, commands, answers):
            os.close(descriptor)
