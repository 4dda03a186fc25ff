"""What the load balancer calls a target, from what its nodes have found."""

from __future__ import annotations

import json
from pathlib import Path

from chaos.lab.balancer.health import HealthChange, HealthLog
from chaos.lab.balancer.health_view import HealthView
from chaos.lab.settings import LabSettings
from chaos.lab.truth import TruthKind, TruthLog, read
from tests.eventually import eventually

NODES = ("node-a", "node-b")


def view(**overrides: float) -> HealthView:
    """A view of two nodes with one registered target, `t`."""
    made = HealthView(len(NODES), LabSettings.from_mapping(overrides))
    made.follow({"t"})
    return made


def test_a_target_is_healthy_once_every_node_says_so() -> None:
    """Until then it is initial."""
    health = view()
    assert health.state_of("t") == "initial"
    health.note("node-a", "t", True)
    assert health.state_of("t") == "initial"
    health.note("node-b", "t", True)
    assert health.state_of("t") == "healthy"


def test_one_node_is_enough_to_make_a_target_unhealthy() -> None:
    """And its recovery brings the target back."""
    health = view()
    for node in NODES:
        health.note(node, "t", True)
    health.note("node-a", "t", False)
    assert health.state_of("t") == "unhealthy"
    health.note("node-a", "t", True)
    assert health.state_of("t") == "healthy"


def test_a_node_that_is_cut_off_has_no_say() -> None:
    """It would call the whole rest of the region unhealthy; back again, it counts."""
    health = view()
    health.note("node-a", "t", True)
    health.note("node-b", "t", False)
    health.disregard({"node-b"})
    assert health.state_of("t") == "healthy"
    health.disregard(())
    assert health.state_of("t") == "unhealthy"


def test_a_target_that_never_passes_a_check_becomes_unhealthy() -> None:
    """The initial checks end, also where no node has ever heard of it."""
    health = view(health_check_interval=0.05, health_check_timeout=0.05)
    eventually(lambda: health.state_of("t") == "unhealthy", within=2, what="unhealthy")


def test_a_target_that_leaves_is_forgotten() -> None:
    """When it comes again, it starts anew."""
    health = view()
    for node in NODES:
        health.note(node, "t", True)
    assert health.follow(set()) == (set(), {"t"})
    assert health.state_of("t") == "unused"
    health.note("node-a", "t", True)
    assert health.follow({"t"}) == ({"t"}, set())
    assert health.state_of("t") == "initial"


def test_all_are_healthy_only_if_there_are_enough() -> None:
    """An empty balancer is not a healthy one."""
    health = view()
    for node in NODES:
        health.note(node, "t", True)
    assert health.all_healthy(1)
    assert not health.all_healthy(2)


def test_the_health_log_is_read_as_it_grows(tmp_path: Path) -> None:
    """Each change once, whole lines only, other events left out."""
    path = tmp_path / "health.jsonl"
    log = HealthLog(path)
    assert log.news() == []
    line = json.dumps(_event("add_healthy_event"))
    path.write_text(line + "\n" + json.dumps(_event("health_check_failure_event")) + "\n" + line)
    assert log.news() == [HealthChange(0.5, 4711, True)]
    with path.open("a") as file:
        file.write("\n" + json.dumps(_event("eject_unhealthy_event")) + "\n")
    assert log.news() == [HealthChange(0.5, 4711, True), HealthChange(0.5, 4711, False)]
    assert log.news() == []


def test_the_truth_log_reads_back_what_was_recorded(tmp_path: Path) -> None:
    """In order of time, from a given time on, without a line that is not yet whole."""
    path = tmp_path / "truth.jsonl"
    assert read(path) == []
    log = TruthLog(path)
    log.record(TruthKind.INSTANCE_BOOTING, "i-2", "boots", at=20.0)
    log.record(TruthKind.INSTANCE_KILLED, "i-1", "was killed", at=10.0)
    with path.open("a") as file:
        file.write('{"at": 30')
    assert [(event.at, event.resource) for event in read(path)] == [(10.0, "i-1"), (20.0, "i-2")]
    (late,) = read(path, since=15)
    assert (late.kind, late.text) == (TruthKind.INSTANCE_BOOTING, "i-2 boots")


def _event(kind: str) -> dict[str, object]:
    return {
        kind: {},
        "timestamp": "1970-01-01T00:00:00.500Z",
        "host": {"socket_address": {"address": "127.0.0.1", "port_value": 4711}},
    }
