"""`chaos history`: what the reports of many runs say together."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from chaos.cli import main
from chaos.report.history import over_all, read_history
from chaos.report.json_report import render_json
from chaos.report.result import Result
from tests.run_samples import probed, watched_users


def _store(reports: Path, result: Result, run_id: str, started_at: float) -> None:
    run = replace(result.run, run_id=run_id, started_at=started_at)
    (reports / run_id).mkdir()
    (reports / run_id / "report.json").write_text(render_json(replace(result, run=run)))


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """Three runs, a link to one of them, a torn report, and an old one without outages."""
    _store(tmp_path, watched_users(), "b-zone", 200.0)
    _store(tmp_path, probed(), "a-reboot", 100.0)
    _store(tmp_path, probed(), "c-reboot", 300.0)
    (tmp_path / "latest").symlink_to("c-reboot")
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "report.json").write_text('{"run_id": "torn", ')
    old = json.loads((tmp_path / "a-reboot" / "report.json").read_text())
    del old["analysis"]
    (tmp_path / "old").mkdir()
    old |= {"run_id": "old", "started_at": 1.0}
    (tmp_path / "old" / "report.json").write_text(json.dumps(old))
    return tmp_path


def test_runs_are_read_once_and_in_order_of_time(reports: Path) -> None:
    """Neither the link nor what is no report counts."""
    runs = read_history(reports)
    assert [run.run_id for run in runs] == ["old", "a-reboot", "b-zone", "c-reboot"]
    assert [run.verdict for run in runs] == ["pass", "pass", "fail", "pass"]
    assert [len(run.watched) for run in runs] == [0, 1, 2, 1]


def test_mtbf_and_mttr_are_those_of_all_runs_together(reports: Path) -> None:
    """Two reboots of 1.5 s in 12 s each, and an outage of 5.2 s in 50 s."""
    load, probe = over_all(read_history(reports))
    assert (load.source, probe.source) == ("load", "probe front-door")
    assert probe.outages == 3
    assert probe.seconds == pytest.approx(74)
    assert probe.mttr == pytest.approx((1.5 + 1.5 + 5.2) / 3)
    assert probe.mtbf == pytest.approx((74 - 8.2) / 3)
    low, high = probe.mtbf_interval
    assert 0 < low < probe.mtbf < high < math.inf


def test_the_command_lists_runs_and_says_what_they_say_together(
    reports: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All, or those whose id or title has a word."""
    assert main(["history", "--reports", str(reports)]) == 0
    said = capsys.readouterr().out
    assert "4 runs: 3 pass, 1 fail" in said
    assert "probe front-door: 3 outages in 74.0 s watched, MTTR 2.73 s, MTBF 21.9 s" in said
    assert main(["history", "c-reb", "--reports", str(reports)]) == 0
    assert "1 run: 1 pass" in capsys.readouterr().out
    assert main(["history", "--env", "nowhere", "--reports", str(reports)]) == 0
    assert "no such run" in capsys.readouterr().out
