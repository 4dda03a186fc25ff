"""The plan of the open model and the accounts that are closed against it."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from math import floor

from hypothesis import given
from hypothesis import strategies as st

from chaos.load.arrivals import ConstantRate, Plan
from chaos.load.ledger import Ledger
from chaos.measure.recording import Outcome, Recording

rates = st.floats(0.1, 5000)
starts = st.floats(1.6e9, 2e9)
plans = st.builds(lambda rate, start: Plan(ConstantRate(rate), start), rates, starts)


@given(plans, st.integers(1, 7), st.integers(1, 60))
def test_shares_are_a_partition(plan: Plan, workers: int, count: int) -> None:
    """The workers' shares together are the plan: nothing twice, nothing left out."""
    shares = [plan.share(worker, workers) for worker in range(workers)]
    merged = itertools.islice(heapq.merge(*shares), count)
    assert list(merged) == [plan.due_at(index) for index in range(count)]


@given(plans, st.floats(0, 30))
def test_due_before_counts_the_due_times_that_are_released(plan: Plan, seconds: float) -> None:
    """The count before a moment agrees with the released times themselves, to the last bit."""
    moment = plan.start + seconds
    count = plan.due_before(moment)
    assert plan.due_at(count) >= moment
    assert count == 0 or plan.due_at(count - 1) < moment


@given(st.integers(1, 2000), st.integers(1, 20))
def test_a_rate_is_kept_in_every_second(rate: int, seconds: int) -> None:
    """A constant rate that starts on a whole second has its rate in each whole second."""
    plan = Plan(ConstantRate(rate), 1.7e9)
    ends = [plan.due_before(1.7e9 + second) for second in range(seconds + 1)]
    assert {after - before for before, after in itertools.pairwise(ends)} == {rate}


@given(st.floats(1, 50), starts, st.floats(0.1, 10), st.lists(st.booleans(), min_size=1), st.data())
def test_the_ledger_accounts_for_every_arrival(
    rate: float, start: float, seconds: float, answered: list[bool], data: st.DataObject
) -> None:
    """Whatever was reported and whatever was lost, planned arrivals equal outcomes per second."""
    plan, end = Plan(ConstantRate(rate), start), start + seconds
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
    lost = Ledger(Plan(ConstantRate(10), 100.0), timeout=2.0).close(101.0).between(0, 200)
    assert (lost.not_sent, lost.planned) == (10, 10)
    assert lost.response.lowest == lost.response.highest == 2.0
