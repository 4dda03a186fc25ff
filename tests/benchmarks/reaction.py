"""From the second that breaches a stop condition to the first call of the undo, for real.

Locust puts load on a server that begins to fail; two instances are stopped in moto meanwhile. The
breach is the end of the first whole second at which the condition holds by what was measured; the
call is timed when boto3 makes it.
"""

from __future__ import annotations

import logging
import os
import tempfile
import time
from pathlib import Path

from moto.server import ThreadedMotoServer

from chaos.actions.registry import Registry
from chaos.api import Controls, RunOptions, run_experiment
from chaos.aws.clients import connect
from chaos.engine.environment import OpenEnvironment
from chaos.engine.observer import Status
from chaos.measure.recording import Recording
from chaos.measure.run import Event
from chaos.model.environment import Environment
from chaos.model.loading import load_experiment
from tests.conftest import CREDENTIALS
from tests.known_server import KnownServer, Trouble, running

ROUNDS = 5
WINDOW = 3
MOST = 0.5
RATE = 50
GOAL = 1.5

LOAD = """
from locust import FastHttpUser, task


class Visitor(FastHttpUser):
    @task
    def visit(self):
        self.client.get("/ok")
"""
EXPERIMENT = f"""
title: Two stop while a server fails
load: {{locustfile: load.py, rate: {RATE}/s}}
phases: {{baseline: 1s}}
targets: {{two: {{type: aws:ec2:instance, ids: [IDS]}}}}
actions: {{stop: {{action: aws:ec2:stop-instances, targets: two, duration: 60s}}}}
stop_conditions: [error_rate > {MOST:.0%} for {WINDOW}s]
"""


class Nobody:
    """Watches nothing."""

    def event(self, event: Event) -> None:
        pass

    def status(self, status: Status) -> None:
        pass


def main() -> None:
    """The trouble begins at another moment of its second in each round."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    moto.start()
    with tempfile.TemporaryDirectory() as directory, running() as server:
        os.environ["XDG_STATE_HOME"] = directory
        took = [_round(Path(directory), moto, server, n / ROUNDS) for n in range(ROUNDS)]
    moto.stop()
    shown = ", ".join(f"{seconds:.2f}" for seconds in took)
    print(f"breach to first call of the undo  {max(took):5.2f} s at most  (goal <= {GOAL:g})")
    print(f"  each round  {shown} s")


def _round(directory: Path, moto: ThreadedMotoServer, server: KnownServer, late: float) -> float:
    host, port = moto.get_host_and_port()
    aws = Environment(region="us-east-1", endpoint_url=f"http://{host}:{port}")
    clients = connect(aws, CREDENTIALS)
    ec2 = clients.client("ec2")
    made = ec2.run_instances(ImageId="ami-12345678", MinCount=2, MaxCount=2)
    ids = ", ".join(one["InstanceId"] for one in made["Instances"])
    (directory / "load.py").write_text(LOAD)
    (directory / "two.yaml").write_text(EXPERIMENT.replace("IDS", ids))
    calls: list[float] = []
    ec2.meta.events.register(
        "before-call.ec2.StartInstances", lambda **_: calls.append(time.time())
    )
    server.play(Trouble(4 + late, 60))
    finished = run_experiment(
        load_experiment(directory / "two.yaml", Registry()),
        OpenEnvironment("bench", server.url, clients, region="us-east-1", account="bench"),
        Nobody(),
        RunOptions(directory / "reports"),
        Controls(),
    )
    return calls[0] - _breach(finished.result.run.load)


def _breach(load: Recording) -> float:
    """The end of the first second after which the condition holds for the whole window."""
    seconds = sorted({key.second for key in load.slices})
    return next(
        second + 1
        for second in seconds[WINDOW:]
        if (load.between(second + 1 - WINDOW, second + 1).error_rate or 0) > MOST
    )


if __name__ == "__main__":
    main()
