"""Asking by calling a function of the user's."""

from __future__ import annotations

import importlib

from chaos.model.probe import PythonProbe
from chaos.probes.observation import Observation, Surroundings


def observe(probe: PythonProbe, around: Surroundings) -> Observation:
    """Call it once with the host; true is good, and `(bool, text)` says why."""
    module, _, name = probe.python.partition(":")
    answer = getattr(importlib.import_module(module), name)(around.host)
    good, text = answer if isinstance(answer, tuple) else (answer, str(answer))
    return Observation(bool(good), f"{probe}: {text}")
