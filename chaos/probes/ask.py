"""Asking any probe, once."""

from __future__ import annotations

import importlib
from dataclasses import replace

from chaos.model.probe import (
    AlarmProbe,
    AwsProbe,
    CommandProbe,
    HttpProbe,
    MetricProbe,
    Probe,
    PythonProbe,
    SqlProbe,
    TcpProbe,
)
from chaos.model.secrets import conceal, learn, reveal, texts_in
from chaos.probes.observation import Observation, Surroundings

_MODULES = {
    HttpProbe: "http",
    TcpProbe: "tcp",
    AlarmProbe: "cloudwatch",
    MetricProbe: "cloudwatch",
    AwsProbe: "aws_state",
    SqlProbe: "sql",
    CommandProbe: "command",
    PythonProbe: "python",
}


def ask(probe: Probe, around: Surroundings) -> Observation:
    """Put the question once. Never raises: whatever goes wrong is a bad answer, with its reason.

    The probe is told the secrets it refers to, and none is in the answer.
    """
    try:
        module = importlib.import_module(f"chaos.probes.{_MODULES[type(probe)]}")
        for url in (*texts_in(probe), around.host):
            learn(url)
        observed: Observation = module.observe(reveal(probe), around)
    except Exception as error:  # noqa: BLE001 - a probe of the user's may raise anything
        observed = Observation(False, f"{probe}: {error or type(error).__name__}")
    return replace(observed, text=conceal(observed.text))
