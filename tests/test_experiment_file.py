"""Reading experiment files: what is right is understood, what is wrong is explained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.actions.registry import Registry
from chaos.model.document import parse_document
from chaos.model.experiment import Experiment
from chaos.model.loading import load_experiment
from chaos.model.probe import HttpProbe
from chaos.model.problems import InvalidInput
from chaos.model.schema import experiment_schema
from chaos.model.slo import Sli
from chaos.model.variables import fill_in

ROOT = Path(__file__).parent.parent


def problems(tmp_path: Path, text: str) -> list[str]:
    """What is said of a file with that text, without the path."""
    file = tmp_path / "experiment.yaml"
    file.write_text(text)
    with pytest.raises(InvalidInput) as caught:
        load_experiment(file, Registry())
    return [str(problem).removeprefix(f"{file}:") for problem in caught.value.problems]


@pytest.mark.parametrize(
    "file", sorted((ROOT / "experiments").glob("*.yaml")), ids=lambda f: f.stem
)
def test_the_ready_experiments_are_valid(file: Path) -> None:
    """Every file in experiments/ can be read."""
    assert load_experiment(file, Registry()).experiment.title


def test_every_part_of_the_format_is_understood(tmp_path: Path) -> None:
    """A file that uses everything gives typed values, in seconds and ratios."""
    (tmp_path / "load.py").write_text("")
    file = tmp_path / "experiment.yaml"
    file.write_text("""
title: All of it
tags: [a, b]
variables: {az: us-east-1a, size: 2}
seed: 7
load: {locustfile: load.py, rate: 6000/m, timeout: 2s, processes: 2, workers: 1}
phases: {warmup: 5s, baseline: PT1M, recovery: 20s}
steady_state:
  - http: ${host}/health
    expect: {status: 204, within: 500ms}
slos:
  - {sli: availability, objective: ">= 99%", during: fault}
  - {sli: latency, percentile: 99.9, objective: "<= 800ms", endpoint: GET /products}
targets:
  some: {type: aws:ec2:instance, tags: {app: shop}, select: count(1)}
  others:
    type: aws:ec2:instance
    ids: i-1
    filters: {Placement.AvailabilityZone: "${az}", State.Name: [running, stopped]}
actions:
  stop: {action: aws:ec2:stop-instances, targets: some, at: 5s, duration: 30s}
  kill: {action: aws:ec2:terminate-instances, targets: others, after: stop}
stop_conditions:
  - latency p99 > 3s for 15s
  - alarm: shop-5xx
blast_radius: {max_percent: 34}
""")
    loaded = load_experiment(file, Registry(), {"az": "eu-west-1b"})
    experiment = loaded.experiment
    assert experiment.load is not None
    assert (experiment.load.rate, experiment.load.timeout) == (100, 2)
    assert loaded.locustfile == (tmp_path / "load.py").resolve()
    assert experiment.phases.baseline == 60
    probe = experiment.steady_state[0]
    assert isinstance(probe, HttpProbe)
    assert probe.http == "${host}/health"  # known when the run begins
    assert experiment.slos[1].sli is Sli.LATENCY
    assert experiment.slos[1].objective.bound == 0.8
    assert experiment.targets["others"].filters["Placement.AvailabilityZone"] == ("eu-west-1b",)
    assert experiment.actions["kill"].after == ("stop",)
    assert [str(s) for s in experiment.stop_conditions] == [
        "latency p99 > 3s for 15s",
        "alarm: shop-5xx",
    ]


@pytest.mark.parametrize(
    ("condition", "objective", "problem"),
    [
        ("error_budget >= 5%", "", "8:5: error_budget is that of an availability objective"),
        ("error_budget > 5%", "100%", "8:5: an availability objective of 100% leaves no budget"),
        ("error_budget > 5% for 10s", "99%", "8:5: stop_conditions: error_budget counts the whole"),
        ("error_budget < 5%", "99%", "8:5: stop_conditions: error_budget is what is spent"),
        ("error_budget > 5s", "99%", "8:5: stop_conditions: error_budget is what is spent"),
    ],
)
def test_an_error_budget_stops_a_run_only_where_there_is_one(
    tmp_path: Path, condition: str, objective: str, problem: str
) -> None:
    """It is that of the availability objective, counts the whole run, and is told its place."""
    (tmp_path / "load.py").write_text("")
    slo = f'{{sli: availability, objective: ">= {objective}"}}' if objective else ""
    lines = [
        "title: x",
        "load: {locustfile: load.py, rate: 10/s}",
        "phases: {baseline: 5s}",
        f"slos: [{slo}]",
        "",
        "stop_conditions:",
        "  - error_rate > 60% for 10s",
        f"  - {condition}",
    ]
    said = problems(tmp_path, "\n".join(lines))
    assert [found[: len(problem)] for found in said] == [problem]


def test_an_experiment_survives_the_journal() -> None:
    """What is written down as JSON is read back as the same; variables are used up by then."""
    for file in (ROOT / "experiments").glob("*.yaml"):
        experiment = load_experiment(file, Registry()).experiment
        stored = experiment.model_copy(update={"variables": {}})
        assert Experiment.model_validate_json(experiment.model_dump_json()) == stored


def test_all_problems_of_a_file_are_said_at_once_with_their_places(tmp_path: Path) -> None:
    """Each with line, column, what was found, and the nearest valid name."""
    said = problems(
        tmp_path,
        """\
title: x
varables: {x: 1}
load: {locustfile: nope.py, rate: fast}
phases: {warmup: 5, baselin: 10s}
steady_state:
  - http: ${hots}/health
slos:
  - sli: availabilty
    objective: ">= 99%"
  - sli: latency
    objective: ">= 99%"
  - sli: error_rate
    objective: 5
targets:
  some: {type: aws:ec2:instanc, tags: {app: shop}, select: half}
actions:
  a: {action: aws:ec2:stop-instnces, targets: sme, after: b}
  b: {action: aws:ec2:stop-instances, targets: some, after: [a, q], parameters: {forse: true}}
stop_conditions:
  - error_rat > 60% for 10s
""",
    )
    expected = {
        "2:1: unknown key varables; did you mean variables?",
        "3:20: no such file: nope.py",
        "3:35: rate: not a rate",
        "4:18: warmup: not a duration",
        "4:21: unknown key baselin; did you mean baseline?",
        "6:11: ${hots} is not defined; did you mean host?",
        "8:10: sli: unknown availabilty; did you mean availability?",
        "10:5: latency, and only latency, needs a percentile",
        '11:16: latency is measured as a duration, as in "800ms"; found >= 99%',
        "13:16: objective: not an objective",
        "15:16: unknown resource type aws:ec2:instanc; did you mean aws:ec2:instance?",
        "15:60: select: not a selection",
        "17:15: unknown action aws:ec2:stop-instnces; did you mean aws:ec2:stop-instances?",
        "17:47: unknown target sme; did you mean some?",
        "17:52: actions wait for each other: a after b after a",
        "18:61: after an action that is not declared: q",
        "18:82: unknown key forse; did you mean force?",
        "20:5: stop_conditions: unknown indicator error_rat; did you mean error_rate?",
    }
    for start in expected:
        assert any(problem.startswith(start) for problem in said), start
    assert len(said) == len(expected)


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("title: [1", "2:1: not valid YAML"),
        ("title: x\ntitle: y", "2:1: title stands here a second time (first in line 1)"),
        ("a: &x [*x]", "1:4: not valid YAML: an alias that contains itself"),
        ("- title", " an experiment is a mapping"),
        ("", " an experiment is a mapping"),
        ("title: x\nslos: [{sli: availability, objective: '>= 99%'}]", "2:8: availability is"),
        (
            "title: x\nactions: {a: {action: aws:ec2:stop-instances}}",
            "2:11: aws:ec2:stop-instances",
        ),
        ("title: 2026-13-45", "1:8: not valid YAML"),
    ],
)
def test_a_wrong_file_is_explained(tmp_path: Path, text: str, start: str) -> None:
    """Whatever is wrong, there is a place and a reason."""
    assert problems(tmp_path, text)[0].startswith(start)


def test_a_missing_or_unreadable_file_is_explained(tmp_path: Path) -> None:
    """One line with the path, no traceback."""
    with pytest.raises(InvalidInput, match=r"nowhere\.yaml: no such file"):
        load_experiment(tmp_path / "nowhere.yaml", Registry())
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match="not UTF-8"):
        load_experiment(tmp_path / "binary.yaml", Registry())


@given(st.text(max_size=200))
def test_any_text_is_read_or_explained(text: str) -> None:
    """No text makes the reader fail in another way."""
    try:
        document = parse_document(text, Path("any.yaml"))
    except InvalidInput as error:
        assert error.problems
    else:
        fill_in(document, {})


yaml_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
sections = st.sampled_from([*Experiment.model_fields, "other"])


@given(st.dictionaries(sections, yaml_values, max_size=6))
def test_any_structure_is_read_or_explained(
    tmp_path_factory: pytest.TempPathFactory, values: object
) -> None:
    """Right keys with wrong things in them never end in a traceback."""
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_text(json.dumps(values))
    try:
        load_experiment(file, Registry())
    except InvalidInput as error:
        assert error.problems


def test_variables_keep_their_type_and_dollars_can_be_written() -> None:
    """A number stays a number where it stands alone; $$ is a dollar sign."""
    document = parse_document(
        "{variables: {n: 5}, a: '${n}', b: 'x${n}', c: '$${n}', d: $$}", Path("f")
    )
    values, wrong = fill_in(document, {})
    assert not wrong
    assert (values["a"], values["b"], values["c"], values["d"]) == (5, "x5", "${n}", "$")


def test_the_schema_knows_actions_and_parameters() -> None:
    """An editor can suggest ids and check an action's own parameters."""
    schema = experiment_schema(Registry())
    use = schema["$defs"]["ActionUse"]
    assert "aws:ec2:stop-instances" in use["properties"]["action"]["enum"]
    assert "completeIfInstancesTerminated" in json.dumps(use["allOf"])
    assert schema["additionalProperties"] is False
