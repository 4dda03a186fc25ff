"""Asking by running a command."""

from __future__ import annotations

import subprocess

from chaos.model.probe import CommandProbe
from chaos.model.variables import with_host
from chaos.probes.observation import Observation, Surroundings


def observe(probe: CommandProbe, around: Surroundings) -> Observation:
    """Run it once; 0 is good. One that takes too long is killed."""
    words = [with_host(word, around.host) for word in probe.command]
    try:
        ran = subprocess.run(
            words, capture_output=True, text=True, timeout=probe.patience, check=False
        )
    except subprocess.TimeoutExpired:
        return Observation(False, f"{probe}: not done after {probe.patience:g} s")
    said = (ran.stderr or ran.stdout).strip().splitlines()
    last = f": {said[-1]}" if said and ran.returncode else ""
    return Observation(ran.returncode == 0, f"{probe}: exit {ran.returncode}{last}")
