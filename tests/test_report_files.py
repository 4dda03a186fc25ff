"""What machines read: report.json, junit.xml, timeline.csv, and the text for pull requests."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.measure.recording import Recording
from chaos.measure.run import Ending, PhaseName
from chaos.report.assemble import assemble
from chaos.report.headline import headline
from chaos.report.html import render_html
from chaos.report.json_report import render_json
from chaos.report.junit import render_junit
from chaos.report.markdown import escaped, render_markdown
from chaos.report.result import Result
from chaos.report.timeline_csv import Row, render_csv
from chaos.report.write import RENDERERS, RenderError, write_report
from chaos.slo.verdict import SloResult, Verdict
from tests.run_samples import SAMPLES, aborted, half_stopped, terminated, unusable, without_load

SMALL = [name for name in SAMPLES if name != "large"]

KEYS = {
    "": "schema run_id title environment verdict started_at ended_at slos actions load phases "
    "events ending reason description analysis",
    "slos": "name sli objective measured interval verdict explanation unit",
    "actions": "name action targets inject_called_at inject_confirmed_at revert_called_at "
    "revert_confirmed_at verified detected_after_s recovered_after_s error",
    "load": "planned ok failed timed_out not_sent",
    "phases": "name started_at ended_at availability error_rate latency_s load latency_corrected_s",
    "events": "at kind text",
}
"""The contract, in its order; what was added since stands at the end of each."""


@pytest.mark.parametrize("name", SMALL)
def test_report_json_has_the_keys_of_the_contract_in_order(name: str) -> None:
    """Every level, for every kind of run."""
    report = json.loads(render_json(SAMPLES[name]()))
    assert list(report) == KEYS[""].split()
    assert list(report["load"]) == KEYS["load"].split()
    for part in ("slos", "actions", "phases", "events"):
        for item in report[part]:
            assert list(item) == KEYS[part].split()
    for phase in report["phases"]:
        assert list(phase["latency_s"]) == ["p50", "p90", "p99", "max"]


def test_report_json_says_what_was_measured() -> None:
    """Seconds since the epoch, ratios in 0..1, and accounts that close."""
    result = terminated()
    report = json.loads(render_json(result))
    assert report["schema"] == 1
    assert report["verdict"] == "pass"
    assert report["started_at"] == result.run.started_at
    assert report["slos"][0]["measured"] == 0.99372
    assert report["slos"][0]["interval"] == [0.9905, 0.9968]
    assert report["actions"][0]["targets"] == ["i-0f3a9c51d27e84b60"]
    assert report["actions"][0]["revert_called_at"] is None
    load = report["load"]
    assert load["planned"] == sum(load[key] for key in ("ok", "failed", "timed_out", "not_sent"))
    measured = [phase for phase in report["phases"] if phase["name"] != "warmup"]
    assert load["planned"] == sum(phase["load"]["planned"] for phase in measured) == 6000
    assert all(0 <= phase["availability"] <= 1 for phase in report["phases"])


def test_report_json_has_null_for_what_is_not_a_number() -> None:
    """JSON has neither NaN nor infinity."""
    endless = SloResult(
        "recovery", "recovery_time", "<= 15s", math.nan, (3.0, math.inf), Verdict.FAIL, ""
    )
    report = json.loads(render_json(replace(terminated(), slos=(endless,))))
    assert report["slos"][0]["measured"] is None
    assert report["slos"][0]["interval"] == [3.0, None]


@pytest.mark.parametrize("name", SMALL)
def test_the_warm_up_is_a_phase_but_not_in_the_totals(name: str) -> None:
    """Totals are what the SLOs could be judged on."""
    result = SAMPLES[name]()
    measured = [phase for phase in result.phases if phase.name is not PhaseName.WARMUP]
    assert result.totals.planned == sum(phase.load.planned for phase in measured)
    assert [phase.span for phase in result.phases] == list(result.run.phases)


@given(st.sampled_from(Ending), st.lists(st.sampled_from(Verdict), max_size=4))
def test_a_run_that_did_not_complete_never_passes(ending: Ending, verdicts: list[Verdict]) -> None:
    """It fails where a fault showed that an objective is missed; else it is inconclusive."""
    whole = terminated_once()
    slos = tuple(replace(whole.slos[0], verdict=verdict) for verdict in verdicts)
    result = assemble(replace(whole.run, ending=ending), slos, ())
    missed = Verdict.FAIL in verdicts and ending is not Ending.ALREADY_SICK
    assert (result.verdict is Verdict.FAIL) == missed
    if ending is not Ending.COMPLETED:
        assert result.verdict is not Verdict.PASS


@cache
def terminated_once() -> Result:
    """The passing sample without its load: quick to make again and again."""
    whole = terminated()
    return assemble(replace(whole.run, load=Recording()), whole.slos, ())


def junit_of(result: Result) -> ET.Element:
    """What a CI server reads in the file."""
    return ET.fromstring(render_junit(result).encode())  # noqa: S314 - our own


def test_junit_counts_violations_as_failures_and_doubts_as_errors() -> None:
    """One case for the run, one for each objective, one for each rollback."""
    root = junit_of(half_stopped())
    suite = root.find("testsuite")
    assert suite is not None
    assert [suite.get(key) for key in ("tests", "failures", "errors", "skipped")] == [
        "7", "3", "2", "0",
    ]  # fmt: skip
    kinds = {case.get("name"): [child.tag for child in case] for case in suite}
    assert kinds["availability"] == ["failure"]
    assert kinds["error rate"] == ["error"]
    assert kinds["latency p99 of GET /products"] == ["system-out"]
    assert kinds["stop-half-the-fleet (aws:ec2:stop-instances)"] == []
    assert kinds["slow-network (aws:network:latency)"] == ["failure"]


def test_junit_of_an_action_without_undo_is_skipped() -> None:
    """A termination has nothing to roll back, which is not a success of a rollback."""
    root = junit_of(terminated())
    (skipped,) = root.iterfind(".//testcase[@classname='rollback']/skipped")
    assert skipped.get("message") == "this action has nothing to undo"


@pytest.mark.parametrize("build", [aborted, unusable])
def test_junit_of_a_run_that_did_not_complete_has_an_error(build: Callable[[], Result]) -> None:
    """Also where no objective was declared: an empty suite must not look green."""
    root = junit_of(build())
    assert root.find(".//testcase[@classname='run']/error") is not None


def test_timeline_csv_has_a_row_for_each_second_and_endpoint() -> None:
    """The rows add up to the recording, and each knows its phase."""
    result = half_stopped()
    rows = list(csv.DictReader(io.StringIO(render_csv(result))))
    assert tuple(rows[0]) == Row._fields
    assert len(rows) == len(result.run.load.slices)
    for phase in result.phases:
        mine = [row for row in rows if row["phase"] == phase.name]
        assert sum(int(row["planned"]) for row in mine) == phase.load.planned
        assert max(float(row["max"] or 0) for row in mine) <= phase.load.response.highest + 1e-6
    for row in rows:
        parts = (int(row[key]) for key in ("ok", "failed", "timed_out", "not_sent"))
        assert int(row["planned"]) == sum(parts)
        assert float(row["offset"]) == int(row["second"]) - result.run.started_at


def test_markdown_is_short_and_has_what_matters() -> None:
    """The verdict, each objective, each fault with its times, and why it is inconclusive."""
    text = render_markdown(half_stopped())
    assert text.startswith("## The shop survives half of its fleet being stopped\n\n❌ **FAIL**:")
    assert "| availability | ≥ 99% | 95.7% | 94.1% … 97.0% | ❌ fail |" in text
    assert "+0:20.0 → +0:22.7" in text
    assert "about 240 s more would decide it" in text
    assert "8,500 planned requests" in text
    assert len(text) < 5000


def test_markdown_without_load_says_nothing_of_load() -> None:
    """Probes and actions only: no empty tables."""
    text = render_markdown(without_load())
    assert "Load" not in text
    assert "p99" not in text
    assert "aws:ec2:reboot-instances" in text


@given(st.text())
def test_markdown_texts_stay_in_their_cell(text: str) -> None:
    """No text ends a cell, a line, or begins anything."""
    line = escaped(text)
    assert "\n" not in line
    bare = line.replace("\\\\", "").replace("\\|", "").replace("\\`", "").replace("\\<", "")
    assert "|" not in bare
    assert "`" not in bare
    assert "<script" not in bare


@pytest.mark.parametrize("name", SMALL)
def test_the_headline_says_why(name: str) -> None:
    """One or two sentences, whatever came out."""
    said = headline(SAMPLES[name]())
    assert said.endswith(".")
    assert 10 < len(said) < 300


def test_an_objective_without_a_value_says_why_and_has_no_bar() -> None:
    """Such as the steady state at the end, which holds or does not."""
    unwell = SloResult(
        "steady state", "steady_state", "holds", None, None, Verdict.FAIL, "GET /health: 503."
    )
    whole = terminated_once()
    result = assemble(whole.run, (unwell,), ())
    assert headline(result) == "1 of 1 objective was missed: steady state (GET /health: 503)."
    assert 'class="bar' not in render_html(result)
    failure = junit_of(result).find(".//failure")
    assert failure is not None
    assert failure.get("message") == "GET /health: 503."
    assert "| steady state | holds | – | – | ❌ fail |" in render_markdown(result)


def test_the_headline_names_what_was_missed_and_what_is_undecided() -> None:
    """With the value and what was wanted."""
    whole = replace(half_stopped(), run=replace(half_stopped().run, ending=Ending.COMPLETED))
    assert headline(whole) == ("1 of 4 objectives was missed: availability is 95.7%, wanted ≥ 99%.")
    undecided = replace(whole, slos=whole.slos[1:])
    assert headline(undecided) == (
        "Nothing was missed, but 2 of 3 objectives are undecided: error rate is 4.29% "
        "(2.98% … 5.90%), wanted ≤ 4%; recovery time (No sustained good second was seen "
        "before the run ended)."
    )


TEXTS = st.one_of(
    st.text(st.characters(), max_size=40),
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            "]]>",
            "\x00\x1b[31m",
            "</style><b>",
            '"><img src=x>',
            "\ud800",
        ]
    ),
)


@settings(max_examples=40, deadline=None)
@given(TEXTS, TEXTS, TEXTS)
def test_no_text_breaks_a_report(title: str, text: str, ident: str) -> None:
    """Texts from users and from AWS are shown as they are, and never acted on."""
    result = with_texts(title, text, ident)
    assert json.loads(render_json(result))["title"] == title
    junit_of(result)
    page = render_html(result)
    assert page.count("<script") == page.count("</script>") == 2
    assert page.count("</style>") == 1
    assert "<img" not in page
    assert not any(ord(sign) < 32 and sign not in "\n\t" for sign in page)
    render_markdown(result)
    list(csv.reader(io.StringIO(render_csv(result))))


def with_texts(title: str, text: str, ident: str) -> Result:
    """A small result that carries these texts wherever there is a text."""
    whole = with_little_load()
    fault = replace(
        whole.faults[0].times, name=ident, action=ident, targets=(ident, text), error=text or None
    )
    events = tuple(replace(event, text=text) for event in whole.run.events)
    load = Recording({key._replace(endpoint=ident or "-"): piece
                                 for key, piece in whole.run.load.slices.items()})  # fmt: skip
    run = replace(
        whole.run,
        run_id=ident,
        title=title,
        description=text,
        environment=ident,
        reason=text,
        faults=(fault,),
        events=events,
        load=load,
    )
    slos = tuple(replace(slo, name=ident, explanation=text) for slo in whole.slos)
    return assemble(run, slos, (replace(whole.faults[0], times=fault),))


@cache
def with_little_load() -> Result:
    """The passing sample with the load of two seconds."""
    whole = terminated()
    second = int(whole.run.started_at) + 20
    kept = {
        key: piece
        for key, piece in whole.run.load.slices.items()
        if key.endpoint == "GET /products" and key.second in (second, second + 1)
    }
    return assemble(replace(whole.run, load=Recording(kept)), whole.slos, whole.faults)


def test_write_report_writes_every_file_whole(tmp_path: Path) -> None:
    """Five files, no leftovers, and a second writing replaces them."""
    for _ in range(2):
        write_report(terminated(), tmp_path / "run")
        assert {path.name for path in (tmp_path / "run").iterdir()} == set(RENDERERS)
    assert json.loads((tmp_path / "run/report.json").read_text("utf-8"))["verdict"] == "pass"


def test_one_report_that_crashes_costs_no_other(tmp_path: Path) -> None:
    """The others are written, and the error names the one that is missing."""

    def crash(_: Result) -> str:
        raise KeyError("p42")

    with pytest.raises(RenderError, match=r"report\.json: KeyError: 'p42'") as raised:
        write_report(terminated(), tmp_path, {**RENDERERS, "report.json": crash})
    assert list(raised.value.causes) == ["report.json"]
    assert {path.name for path in tmp_path.iterdir()} == set(RENDERERS) - {"report.json"}


def test_a_place_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    """The caller says it in one line; nothing half-written is left."""
    (tmp_path / "report.json").mkdir()
    (tmp_path / "report.json" / "in-the-way").touch()
    with pytest.raises(OSError, match=r"report\.json"):
        write_report(terminated(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
