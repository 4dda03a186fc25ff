"""The plan of the open model and the accounts that are closed against it."""

from __future__ import annotations

import heapq
import itertools
import math
from collections import Counter
from math import floor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.actions.registry import Registry
from chaos.load.arrivals import Arrivals, EvenArrivals, Plan, PoissonArrivals
from chaos.load.ledger import Ledger
from chaos.load.settings import LoadSettings
from chaos.measure.recording import Outcome, Recording
from chaos.model.experiment import Experiment
from chaos.model.load import Load
from chaos.model.loading import load_experiment
from chaos.model.problems import InvalidInput
from chaos.model.rate import Leg, Legs, read_recorded_rate, steady

rates = st.floats(0.1, 5000)
starts = st.floats(1.6e9, 2e9)
lengths = st.floats(0.01, 60)
slow = st.one_of(st.just(0.0), st.floats(0.1, 300))
legs = st.lists(
    st.one_of(
        st.builds(Leg, lengths, slow, slow),
        st.builds(lambda seconds, rate: Leg(seconds, rate, rate), lengths, slow),
    ),
    min_size=1,
    max_size=5,
).map(tuple)
arrivals = st.one_of(
    st.builds(lambda rate: EvenArrivals(steady(rate)), rates),
    st.builds(EvenArrivals, legs),
    st.builds(PoissonArrivals, legs, st.integers(0, 5)),
)
plans = st.builds(Plan, arrivals, starts)


def brought(parts: Legs, seconds: float) -> float:
    """How many arrivals a rate means to bring until then: its integral, added up in pieces."""
    total, begin = 0.0, 0.0
    for leg in (*parts, *steady(parts[-1].end)):
        within = max(0.0, min(leg.seconds, seconds - begin))
        slope = (leg.end - leg.start) / leg.seconds
        total += within * (leg.start + slope * within / 2)
        begin += leg.seconds
    return total


@given(plans, st.integers(1, 7), st.integers(1, 60))
def test_shares_are_a_partition(plan: Plan, workers: int, count: int) -> None:
    """The workers' shares together are the plan: nothing twice, nothing left out."""
    shares = [plan.share(worker, workers) for worker in range(workers)]
    merged = itertools.islice(heapq.merge(*shares), count)
    assert list(merged) == [plan.due_at(index) for index in range(count)]


@given(arrivals, st.integers(0, 3000), st.integers(1, 3000))
def test_no_arrival_is_due_before_the_one_before(plan: Arrivals, first: int, more: int) -> None:
    """Due times never go back, wherever one looks, and never lie before the start."""
    assert 0 <= plan.due(first) <= plan.due(first + 1) <= plan.due(first + more)


@given(plans, st.floats(0, 30))
def test_due_before_counts_the_due_times_that_are_released(plan: Plan, seconds: float) -> None:
    """The count before a moment agrees with the released times themselves, to the last bit."""
    moment = plan.start + seconds
    count = plan.due_before(moment)
    assert plan.due_at(count) >= moment
    assert count == 0 or plan.due_at(count - 1) < moment


@given(legs, st.floats(0, 400))
def test_as_many_are_due_as_the_rate_brings(parts: Legs, seconds: float) -> None:
    """The number due until a moment is the integral of the rate until then."""
    count = Plan(EvenArrivals(parts), 0.0).due_before(seconds)
    assert count - 1 - 1e-6 <= brought(parts, seconds) <= count + 1e-6


@given(st.integers(1, 2000), st.integers(1, 20))
def test_a_rate_is_kept_in_every_second(rate: int, seconds: int) -> None:
    """A constant rate that starts on a whole second has its rate in each whole second."""
    plan = Plan(EvenArrivals(steady(rate)), 1.7e9)
    ends = [plan.due_before(1.7e9 + second) for second in range(seconds + 1)]
    assert {after - before for before, after in itertools.pairwise(ends)} == {rate}


def test_legs_follow_each_other_without_a_gap() -> None:
    """A ramp, a step, a pause and a step bring what one would count by hand."""
    parts = (Leg(30, 10, 100), Leg(60, 100, 100), Leg(10, 0, 0), Leg(1, 5, 5))
    plan = Plan(EvenArrivals(parts), 0.0)
    until = [0, 30, 90, 100, 101, 103]
    assert [plan.due_before(moment) for moment in until] == [0, 1650, 7650, 7650, 7655, 7665]
    assert EvenArrivals((Leg(1, 3, 3), Leg(1, 0, 0))).due(3) == math.inf


@settings(max_examples=10)
@given(st.integers(0, 1000))
def test_poisson_arrivals_have_the_moments_of_a_poisson_process(seed: int) -> None:
    """Counts per second have the rate as mean and as variance; gaps are as long as they should."""
    plan = Plan(PoissonArrivals(steady(50), seed), 0.0)
    counts = [plan.due_before(s + 1) - plan.due_before(s) for s in range(400)]
    mean = sum(counts) / 400
    variance = sum((count - mean) ** 2 for count in counts) / 399
    assert mean == pytest.approx(50, abs=5 * math.sqrt(50 / 400))
    assert variance == pytest.approx(50, rel=5 * math.sqrt(2 / 399))
    times = [plan.due_at(index) for index in range(20_000)]
    gaps = [after - before for before, after in itertools.pairwise(times)]
    longer = sum(gap > 1 / 50 for gap in gaps) / len(gaps)
    assert longer == pytest.approx(math.exp(-1), abs=0.02)


def test_the_same_seed_draws_the_same_plan_in_any_order() -> None:
    """Whoever asks, from whichever end: worker and engine see the same times."""
    there, back = (PoissonArrivals(steady(10), 7) for _ in range(2))
    indexes = range(0, 5000, 17)
    forward = [there.due(index) for index in indexes]
    assert [back.due(index) for index in reversed(indexes)] == forward[::-1]
    assert PoissonArrivals(steady(10), 8).due(1) != there.due(1)


@given(
    st.one_of(
        st.builds(lambda rate: EvenArrivals(steady(rate)), st.floats(1, 50)),
        st.builds(PoissonArrivals, st.just((Leg(3, 0, 40), Leg(2, 0, 0), Leg(9, 9, 9))), rates),
    ),
    starts,
    st.floats(0.1, 10),
    st.lists(st.booleans(), min_size=1),
    st.data(),
)
def test_the_ledger_accounts_for_every_arrival(
    due: Arrivals, start: float, seconds: float, answered: list[bool], data: st.DataObject
) -> None:
    """Whatever was reported and whatever was lost, planned arrivals equal outcomes per second."""
    plan, end = Plan(due, start), start + seconds
    due_times = [plan.due_at(index) for index in range(plan.due_before(end))]
    reported = Recording()
    for due_at, is_answered in zip(due_times, itertools.cycle(answered), strict=False):
        if is_answered:
            reported.record("GET /", Outcome.OK, due_at, due_at, due_at + 0.1)
            reported.arrivals[floor(due_at)] += 1
    ledger = Ledger(plan, timeout=data.draw(st.floats(0.1, 10)))
    ledger.note(reported)
    reported.merge(ledger.close(end))
    planned = Counter(floor(due_at) for due_at in due_times)
    assert +reported.arrivals == planned
    assert {second: piece.planned for second, piece in reported.by_second().items()} == planned


def test_lost_arrivals_have_waited_for_the_timeout() -> None:
    """An arrival that was lost counts as one that waited in vain for the whole time-out."""
    plan = Plan(EvenArrivals(steady(10)), 100.0)
    lost = Ledger(plan, timeout=2.0).close(101.0).between(0, 200)
    assert (lost.not_sent, lost.planned) == (10, 10)
    assert lost.response.lowest == lost.response.highest == 2.0


# -- as an experiment declares it


def declared(tmp_path: Path, rate: str) -> Legs | None:
    """The legs of an experiment with that rate."""
    (tmp_path / "load.py").touch()
    file = tmp_path / "experiment.yaml"
    load = f"load: {{locustfile: load.py, rate: {rate}}}"
    file.write_text(f"title: t\n{load}\nphases: {{baseline: 1s}}\n")
    return load_experiment(file, Registry()).rate


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        ("6000/m", steady(100)),
        ("[{at: 5/s}]", steady(5)),
        (
            "[{from: 0/s, to: 100/s, over: 30s}, {at: 100/s, for: 1m}, {at: 0/s}]",
            (Leg(30, 0, 100), Leg(60, 100, 100), *steady(0)),
        ),
        ("{replay: rates.csv}", (Leg(2, 10, 10), Leg(1, 0, 0), *steady(7.5))),
    ],
)
def test_a_rate_is_a_number_or_parts_or_a_file(tmp_path: Path, rate: str, expected: Legs) -> None:
    """Every form that the experiment file knows comes to legs, and reads back from its dump."""
    (tmp_path / "rates.csv").write_text(
        "second, rate\n1700000000, 10\n1700000002,0\n1700000003,7.5\n"
    )
    assert declared(tmp_path, rate) == expected
    load = load_experiment(tmp_path / "experiment.yaml", Registry()).experiment
    assert Experiment.model_validate_json(load.model_dump_json()) == load


@pytest.mark.parametrize(
    ("rate", "complaint"),
    [
        ("100", "2:35: rate: write 100/s, a list of steps and ramps, or {replay: FILE}; found 100"),
        ("0/s", "2:35: rate: not a rate; write a number per unit of time"),
        ("[]", "2:35: rate: some rate must be above 0/s"),
        ("[{at: 0/s}]", "2:35: rate: some rate must be above 0/s"),
        ("[{at: 5/s}, {at: 6/s}]", "2:35: rate: only the last step may go without for"),
        ("[{at: 5/s, for: 0s}]", "2:51: for: must be longer than 0s; found 0s"),
        ("[{at: 5/s, fro: 3s}]", "2:46: unknown key fro; did you mean for?"),
        ("[{from: 5/s, over: 3s}]", "2:36: to is missing"),
        ("{replay: gone.csv}", "2:44: no such file: gone.csv (looked beside this file"),
        ("{replay: rates.csv}", "rates.csv:3:1: rate must be a number of at least 0; found x"),
        ("5/s, arrivals: regular", "2:50: arrivals: unknown regular"),
        ("null, arrivals: poisson", "2:51: arrivals: belongs to the open model, so give a rate"),
    ],
)
def test_a_rate_that_is_none_is_explained(tmp_path: Path, rate: str, complaint: str) -> None:
    """One message, with its place in the file."""
    (tmp_path / "rates.csv").write_text("second,rate\n0,1\n1,x\n")
    with pytest.raises(InvalidInput) as caught:
        declared(tmp_path, rate)
    (problem,) = caught.value.problems
    assert complaint in str(problem)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("time,rate\n0,1\n", "has no column second; its first line is second,rate"),
        ("", "has no column second and no column rate"),
        ("second,rate\n", "has no rate above 0"),
        ("second,rate\n0,0\n", "has no rate above 0"),
        ("second,rate\n5,1\n5,2\n", "3:1: second: 5 does not come after 5"),
        ("second,rate\n5\n", "2:1: rate must be a number of at least 0; found nothing"),
        ("second,rate\n5,inf\n", "2:1: rate must be a number of at least 0; found inf"),
        ("second,rate\n5,\xff\n", "cannot be read: 'utf-8' codec"),
    ],
)
def test_a_recorded_rate_that_is_none_is_explained(
    tmp_path: Path, text: str, complaint: str
) -> None:
    """The line of the table is named."""
    file = tmp_path / "rates.csv"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(InvalidInput) as caught:
        read_recorded_rate(file)
    assert complaint in str(caught.value)


@given(legs, st.sampled_from(["even", "poisson"]), st.integers(0, 2**31))
def test_settings_reach_the_workers_as_they_are(parts: Legs, spacing: str, seed: int) -> None:
    """What Locust gets as JSON makes the same plan there."""
    load = Load.model_validate({"locustfile": "load.py", "rate": "5/s", "arrivals": spacing})
    sent = LoadSettings(
        Path("load.py"), "http://x", rate=parts, spacing=load.arrivals, seed=seed, served_by=("a",)
    )
    read = LoadSettings.from_json(sent.to_json())
    assert read == sent
    assert sent.arrivals
    assert read.arrivals
    assert read.arrivals.due(1500) == sent.arrivals.due(1500)
