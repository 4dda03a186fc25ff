"""What holds while something is broken, asked by ordinary code."""

from __future__ import annotations

import time
import urllib.request
from typing import TYPE_CHECKING
from urllib.error import URLError

if TYPE_CHECKING:
    from chaos.lab.handle import LabHandle
    from chaos.testing.fixture import Chaos

ONE = {"tags": {"app": "quotes"}, "select": "count(1)"}


def test_whoever_asks_again_gets_a_quote(chaos: Chaos, chaos_lab: LabHandle) -> None:
    """While an instance is stopped, and before the load balancer has noticed."""
    with chaos.fault("aws:ec2:stop-instances", targets=ONE):
        for number in range(6):
            assert read(f"{chaos_lab.host}/quotes/{number}", within=8)


def read(url: str, within: float) -> str:
    """As our clients do: asked again until there is an answer, for so many seconds."""
    deadline = time.monotonic() + within
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return str(answer.read().decode())
        except (URLError, TimeoutError):
            if time.monotonic() > deadline:
                raise
