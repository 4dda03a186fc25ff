"""Asking for a TCP connection."""

from __future__ import annotations

import socket
import time

from chaos.model.probe import TcpProbe
from chaos.probes.observation import Observation, Surroundings


def observe(probe: TcpProbe, _around: Surroundings) -> Observation:
    """Connect once, and let go."""
    host, _, port = probe.tcp.rpartition(":")
    started = time.monotonic()
    try:
        socket.create_connection((host, int(port)), timeout=probe.patience).close()
    except OSError as error:
        return Observation(False, f"{probe}: {error}")
    return Observation(True, f"{probe}: accepted in {(time.monotonic() - started) * 1000:.0f} ms")
