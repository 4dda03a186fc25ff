"""Objectives in an experiment: every wrong combination is named, every right one is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos.actions.registry import Registry
from chaos.model.loading import load_experiment
from chaos.model.problems import InvalidInput
from chaos.model.slo import Sli

FILE = """\
title: x
load: {{locustfile: load.py, rate: 10/s}}
phases: {{baseline: 10s}}
probes:
  front-door: {{http: "http://127.0.0.1/health"}}
  shop-5xx: {{alarm: shop-5xx}}
targets:
  some: {{type: aws:ec2:instance, tags: {{app: shop}}}}
actions:
  stop: {{action: aws:ec2:stop-instances, targets: some, duration: 30s}}
slos:
  - {slo}
"""


def _file(tmp_path: Path, text: str) -> Path:
    (tmp_path / "load.py").touch()
    file = tmp_path / "experiment.yaml"
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("slo", "name"),
    [
        ("{sli: availability, by: time, objective: '>= 99%'}", "availability by time"),
        (
            "{sli: availability, by: users, window: 10s, objective: '>= 99%'}",
            "availability by users in the worst 10 s",
        ),
        (
            "{sli: availability, probe: front-door, objective: '>= 99%'}",
            "availability of probe front-door",
        ),
        (
            "{sli: latency, of: service, percentile: 99, objective: '<= 1s'}",
            "service latency p99",
        ),
        ("{sli: throughput, objective: '>= 90/s'}", "throughput"),
        (
            "{sli: time_to_detect, probe: shop-5xx, objective: '<= 2m'}",
            "time to detect of probe shop-5xx",
        ),
        ("{sli: longest_outage, objective: '<= 5s'}", "longest outage"),
        ("{sli: outages, during: all, objective: '<= 1'}", "outages during all"),
        ("{sli: mtbf, objective: '>= 10m'}", "MTBF"),
        ("{sli: mttr, probe: front-door, objective: '<= 5s'}", "MTTR of probe front-door"),
        ("{sli: error_budget, target: 99.9%, objective: '<= 5%'}", "error budget at 99.9%"),
        (
            "{sli: burn_rate, target: 99.95%, window: 5m, objective: '<= 14.4'}",
            "burn rate at 99.95% in the worst 300 s",
        ),
    ],
)
def test_every_indicator_can_be_declared(tmp_path: Path, slo: str, name: str) -> None:
    """And has a name that a person would use."""
    experiment = load_experiment(_file(tmp_path, FILE.format(slo=slo)), Registry()).experiment
    assert experiment.slos[0].name == name
    again = type(experiment).model_validate_json(experiment.model_dump_json())
    assert again == experiment


@pytest.mark.parametrize(
    ("slo", "said"),
    [
        (
            "{sli: outages, probe: frontdoor, objective: '<= 1'}",
            "12:27: unknown probe frontdoor; did you mean front-door?",
        ),
        ("{sli: outages, objective: '<= 1s'}", "outages is measured as a plain number, as in"),
        ("{sli: throughput, objective: '>= 90'}", 'throughput is measured as a rate, as in "90/s"'),
        ("{sli: mtbf, objective: '<= 90s'}", "mtbf wants at least (>=); found <= 90s"),
        ("{sli: latency, percentile: 9, objective: '<= 800'}", 'as in "800ms"; found <= 800'),
        ("{sli: error_budget, objective: '<= 5%'}", "burn_rate and error_budget, and only"),
        ("{sli: availability, target: 99%, objective: '>= 5%'}", "need a target: target: 99.9%"),
        ("{sli: error_budget, target: 100%, objective: '<= 5%'}", "100% leaves no budget"),
        ("{sli: latency, percentile: 9, by: time, objective: '<= 1s'}", "latency takes no by"),
        ("{sli: outages, of: service, objective: '<= 1'}", "outages takes no of"),
        ("{sli: error_rate, window: 5s, objective: '<= 1%'}", "error_rate takes no window"),
        (
            "{sli: latency, percentile: 90, of: service, probe: front-door, objective: '<= 1s'}",
            "a probe asks on time",
        ),
        (
            "{sli: availability, probe: front-door, by: users, objective: '>= 1%'}",
            "a probe's samples are counted by time; found users",
        ),
        (
            "{sli: availability, by: users, endpoint: GET /, objective: '>= 1%'}",
            "users have no endpoint",
        ),
        (
            "{sli: outages, probe: front-door, endpoint: GET /, objective: '<= 1'}",
            "a probe has no endpoint",
        ),
        (
            "{sli: time_to_detect, during: all, objective: '<= 1s'}",
            "time_to_detect follows each fault to its end; it takes no during",
        ),
    ],
)
def test_what_does_not_belong_together_is_said(tmp_path: Path, slo: str, said: str) -> None:
    """One problem, which names what is wrong and what is right."""
    with pytest.raises(InvalidInput) as caught:
        load_experiment(_file(tmp_path, FILE.format(slo=slo)), Registry())
    (problem,) = caught.value.problems
    assert said in str(problem)


def test_a_probe_needs_no_load_and_a_fault_needs_an_action(tmp_path: Path) -> None:
    """Every other indicator of an experiment with probes alone names what it lacks."""
    text = (
        "title: x\nprobes: {front-door: {http: 'http://127.0.0.1/'}}\n"
        "phases: {baseline: 5s}\nslos:\n"
        "  - {sli: outages, probe: front-door, objective: '<= 1'}\n"
        "  - {sli: outages, objective: '<= 1'}\n"
        "  - {sli: recovery_time, probe: front-door, objective: '<= 1s'}\n"
    )
    with pytest.raises(InvalidInput) as caught:
        load_experiment(_file(tmp_path, text), Registry())
    first, second = (str(problem).partition(".yaml:")[2] for problem in caught.value.problems)
    assert first.startswith("6:5: outages is measured on the load, and there is no load; or name")
    assert second.startswith("7:11: recovery_time needs an action to recover from")


def test_every_indicator_has_a_unit_and_a_good_side() -> None:
    """More is better for three; the others are bounded from above."""
    better = {sli for sli in Sli if sli.more_is_better}
    assert better == {Sli.AVAILABILITY, Sli.THROUGHPUT, Sli.MTBF}
    assert all(sli.unit for sli in Sli)
