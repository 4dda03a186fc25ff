"""Stopping and starting a fleet by tag: API calls and seconds, next to boto3 doing the same."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from moto.server import ThreadedMotoServer

from chaos.actions.ec2 import StopInstances
from chaos.aws.clients import BotoClients, connect
from chaos.aws.targets import resolve
from chaos.model.environment import Environment
from chaos.model.experiment import Target

ROUNDS = {1: 5, 200: 3, 2_000: 1}
"""By the size of the fleet: of a large one the emulator takes long to tell."""
AT_ONCE = 100
IMAGE = "ami-12c6146b"
TAGGED = [{"Name": "tag:fleet", "Values": ["bench"]}]
CREDENTIALS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}


def launch(ec2: Any, count: int) -> None:
    """Bring the fleet to that size."""
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "fleet", "Value": "bench"}]}]
    missing = count - len(ids_by_tag(ec2))
    for start in range(0, missing, AT_ONCE):
        more = min(AT_ONCE, missing - start)
        ec2.run_instances(ImageId=IMAGE, MinCount=more, MaxCount=more, TagSpecifications=tags)


def ids_by_tag(ec2: Any) -> list[str]:
    """As the peer finds them, each time anew."""
    pages = ec2.get_paginator("describe_instances").paginate(Filters=TAGGED)
    return [one["InstanceId"] for page in pages for r in page["Reservations"]
            for one in r["Instances"]]  # fmt: skip


def by_hand(clients: BotoClients) -> None:
    """What a script does that finds, stops, waits, finds again, starts and waits."""
    ec2 = clients.client("ec2")
    ec2.stop_instances(InstanceIds=ids_by_tag(ec2))
    _await_state(ec2, "stopped")
    ec2.start_instances(InstanceIds=ids_by_tag(ec2))
    _await_state(ec2, "running")


def _await_state(ec2: Any, wanted: str) -> None:
    states = {""}
    while states != {wanted}:
        pages = ec2.get_paginator("describe_instances").paginate(Filters=TAGGED)
        states = {one["State"]["Name"] for page in pages for r in page["Reservations"]
                  for one in r["Instances"]}  # fmt: skip


def by_action(clients: BotoClients) -> None:
    """What a run does: resolve, capture, inject, confirm, undo on the recorded ids, verify."""
    target = Target.model_validate({"type": "aws:ec2:instance", "tags": {"fleet": "bench"}})
    targets = resolve(target, clients, seed=1)
    action = StopInstances(clients, {})
    state = action.capture(targets)
    action.inject(targets, state)
    while not action.injected(targets, state):
        pass
    action.revert(state)
    while not action.verify(state):
        action.revert(state)


def measured(do: Callable[[BotoClients], None], clients: BotoClients) -> tuple[Counter[str], float]:
    """The calls that were made, and the seconds it took."""
    calls: Counter[str] = Counter()
    events = clients.client("ec2").meta.events
    events.register("before-call", lambda model, **_: calls.update([model.name]), unique_id="bench")
    began = time.perf_counter()
    do(clients)
    took = time.perf_counter() - began
    events.unregister("before-call", unique_id="bench")
    return calls, took


def main() -> None:
    """Print a line for each fleet and way, the best of some rounds in turn."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        place = Environment(region="us-east-1", endpoint_url=f"http://{host}:{port}")
        clients = connect(place, CREDENTIALS)
        for size, rounds_of_it in ROUNDS.items():
            launch(clients.client("ec2"), size)
            rounds = [(measured(by_hand, clients), measured(by_action, clients))
                      for _ in range(rounds_of_it)]  # fmt: skip
            base = min(plain[1] for plain, _ in rounds)
            for name, column in (("boto3", 0), ("action", 1)):
                calls, took = min((one[column] for one in rounds), key=lambda found: found[1])
                listed = ", ".join(f"{count} {call}" for call, count in sorted(calls.items()))
                row = f"{size:5} instances  {name:7} {took:7.3f} s  {took / base:4.2f} x"
                print(f"{row}  {calls.total():3} calls: {listed}", flush=True)
    finally:
        server.stop()
