"""A whole game day in the lab, as people have it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.chaos_command import ROOT, Chaos
from tests.lab_fixtures import RunningLab
from tests.receivers import webhook

pytestmark = pytest.mark.lab

EXPERIMENT = """\
title: The shop without SELECT of its targets
load: {locustfile: LOCUSTFILE, rate: 20/s}
phases: {baseline: 2s, recovery: 2s}
steady_state: [{http: "${host}/health"}]
slos: [{sli: availability, objective: ">= 80%"}]
targets: {some: {type: aws:ec2:instance, tags: {app: shop}, select: SELECT}}
actions: {out: {action: aws:elbv2:deregister-targets, targets: some, duration: 3s}}
blast_radius: {max_percent: 100}
"""

DAY = """\
title: A day in the lab
environment: shared
approval: {required: true}
preconditions: [{http: "${host}/health"}]
experiments: [one.yaml, all.yaml]
notifications: {channels: [{webhook: "URL"}]}
"""


def test_a_day_is_approved_run_told_of_and_written_up(lab: RunningLab, tmp_path: Path) -> None:
    """One target less is not noticed; without any the shop is down, and the day has failed."""
    chaos = Chaos(tmp_path)
    chaos.use(lab)
    for name, select in (("one", "count(1)"), ("all", "all")):
        experiment = EXPERIMENT.replace("LOCUSTFILE", str(ROOT / "loadtests/shop.py"))
        (tmp_path / f"{name}.yaml").write_text(experiment.replace("SELECT", select))
    with webhook() as people:
        (tmp_path / "day.yaml").write_text(DAY.replace("URL", people.url))
        assert chaos("gameday", "approve", "day.yaml", "--by", "Oncall").returncode == 0
        ran = chaos("gameday", "run", "day.yaml", "--plain")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    reports = sorted(chaos.reports.glob("2*/report.json"))
    assert [json.loads(one.read_text())["verdict"] for one in reports] == ["pass", "fail"]
    assert [body["occasion"] for _, body in people.posts] == ["before", "after"]
    told = people.posts[-1][1]["details"]["experiments"]
    assert [one["status"] for one in told] == ["pass", "fail"]
    (page,) = chaos.reports.glob("day-*/gameday.html")
    text = page.with_suffix(".md").read_text()
    assert "1 of 2 experiments passed, 1 fail" in text
    assert "approved by Oncall" in text
    for one in reports:
        link = f"../{one.parent.name}/report"
        assert f"{link}.html" in page.read_text()
        assert f"{link}.md" in text
