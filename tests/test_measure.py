"""What is measured stays what it was: through histograms, merging and JSON."""

from __future__ import annotations

import json
import math
import random
import tracemalloc
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chaos.measure.histogram import RELATIVE_ERROR, SHORTEST, Histogram
from chaos.measure.recording import UNSENT_ENDPOINT, Outcome, Recording, Slice, SliceKey
from chaos.measure.run import PhaseName, PhaseSpan
from tests.run_samples import terminated

durations = st.floats(SHORTEST, 1e5)
quantiles = st.floats(0, 1)
endpoints = st.sampled_from(["GET /products", "POST /purchase", "GET /ü"])


def histogram_of(samples: list[float]) -> Histogram:
    """A histogram with these samples."""
    histogram = Histogram()
    for sample in samples:
        histogram.record(sample)
    return histogram


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, Outcome, float, float, float]:
    """One request: endpoint, outcome, and when it was due, sent and done."""
    due_at = draw(st.floats(1000, 1010))
    sent_at = due_at + draw(st.floats(0, 5))
    return (
        draw(endpoints),
        draw(st.sampled_from(Outcome)),
        due_at,
        sent_at,
        sent_at + draw(st.floats(0, 5)),
    )


def recording_of(planned: list[tuple[str, Outcome, float, float, float]]) -> Recording:
    """A recording with these requests."""
    recording = Recording()
    for endpoint, outcome, due_at, sent_at, done_at in planned:
        if outcome is Outcome.NOT_SENT:
            recording.record_unsent(due_at, done_at)
        else:
            recording.record(endpoint, outcome, due_at, sent_at, done_at)
        recording.arrivals[math.floor(due_at)] += 1
    return recording


@given(st.lists(st.tuples(durations, st.integers(1, 100_000))), st.lists(durations))
def test_a_packed_histogram_is_the_same(
    samples: list[tuple[float, int]], more: list[float]
) -> None:
    """Packing changes the room it takes and nothing else, also where more is added afterwards."""
    packed, plain = Histogram(), Histogram()
    for sample, times in samples:
        packed.record(sample, times)
        plain.record(sample, times)
    packed.pack()
    packed.pack()
    assert packed == plain
    assert packed.to_json() == plain.to_json()
    assert packed.quantile(0.9) == plain.quantile(0.9)
    packed.record_all(more)
    plain.record_all(more)
    assert packed == plain


def test_a_long_load_takes_little_room() -> None:
    """Forty seconds at 2,760 requests/s to 20 endpoints, of 150 MB an hour."""
    dice = random.Random(1)
    second = Recording()
    for number in range(20):
        into = second.at(0, f"GET /endpoint/{number}")
        into.service.record_all([dice.lognormvariate(-4, 0.8) for _ in range(138)])
        into.response.merge(into.service)
    text = json.dumps(second.to_json())
    tracemalloc.start()
    whole = Recording()
    for at in range(40):
        news = Recording.from_json(json.loads(text))
        whole.merge(Recording({SliceKey(at, key.endpoint): piece for key, piece in news}))
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken <= 150e6 * 40 / 3600


@given(st.lists(durations, min_size=1), quantiles)
def test_a_quantile_is_within_the_relative_error_of_its_sample(
    samples: list[float], q: float
) -> None:
    """Whatever was recorded, a quantile is as near to the exact one as is promised."""
    rank = max(1, math.ceil(q * len(samples) - 1e-9))
    exact = sorted(samples)[rank - 1]
    read = histogram_of(samples).quantile(q)
    assert read is not None
    assert abs(read - exact) <= exact * RELATIVE_ERROR * (1 + 1e-6)


@given(st.lists(durations), st.lists(quantiles))
def test_several_quantiles_at_once_are_each_what_they_are_alone(
    samples: list[float], wanted: list[float]
) -> None:
    """One pass over the buckets is as good as many, also where nothing was recorded."""
    histogram, ascending = histogram_of(samples), sorted(wanted)
    assert list(histogram.quantiles(ascending)) == [histogram.quantile(q) for q in ascending]
    assert histogram.count == len(samples)


@given(st.lists(durations, min_size=1), quantiles, quantiles)
def test_quantiles_grow_with_their_share_and_end_at_the_maximum(
    samples: list[float], one: float, other: float
) -> None:
    """A p50 is never above a p99, nor a p99 above the maximum, which is exact."""
    histogram = histogram_of(samples)
    low, high = histogram.quantile(min(one, other)), histogram.quantile(max(one, other))
    assert low is not None
    assert high is not None
    assert min(samples) <= low <= high <= max(samples)
    assert histogram.quantile(1) == max(samples)


def test_an_empty_histogram_has_no_quantile() -> None:
    """Nothing measured is None, not zero."""
    assert Histogram().quantile(0.99) is None
    assert Histogram().count == 0


def test_durations_below_the_shortest_are_counted() -> None:
    """Zero and even a clock that went back are samples too."""
    histogram = histogram_of([0.0, -0.001, 1e-9])
    assert histogram.count == 3
    assert histogram.quantile(1) == 1e-9


@given(st.lists(durations), durations)
def test_counting_above_a_limit_errs_by_no_more_than_a_bucket(
    samples: list[float], limit: float
) -> None:
    """Samples clearly above the limit count, samples clearly below do not."""
    above = histogram_of(samples).count_above(limit)
    margin = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR) * (1 + 1e-6)
    assert sum(sample > limit * margin for sample in samples) <= above
    assert above <= sum(sample > limit / margin for sample in samples)


@given(st.lists(st.tuples(durations, st.integers(0, 4))))
def test_merged_histograms_are_the_histogram_of_all(split: list[tuple[float, int]]) -> None:
    """Any split over any workers merges to the same histogram, bucket by bucket."""
    merged = Histogram()
    for worker in range(5):
        merged.merge(histogram_of([sample for sample, owner in split if owner == worker]))
    assert merged == histogram_of([sample for sample, _ in split])


@given(st.lists(st.tuples(requests(), st.integers(0, 3))))
def test_merged_recordings_are_the_recording_of_all(
    split: list[tuple[tuple[str, Outcome, float, float, float], int]],
) -> None:
    """Any split of the requests over workers merges to the same recording."""
    merged = Recording()
    for worker in range(4):
        merged.merge(recording_of([request for request, owner in split if owner == worker]))
    assert merged == recording_of([request for request, _ in split])


@given(st.lists(requests()))
def test_a_recording_survives_json(planned: list[tuple[str, Outcome, float, float, float]]) -> None:
    """What the master sends is what the engine reads."""
    recording = recording_of(planned)
    assert Recording.from_json(json.loads(json.dumps(recording.to_json()))) == recording


@given(st.lists(requests()))
def test_every_planned_request_has_exactly_one_outcome(
    planned: list[tuple[str, Outcome, float, float, float]],
) -> None:
    """Planned = ok + failed + timed out + not sent, in total, by second and by endpoint."""
    recording = recording_of(planned)
    total = recording.between(0, 2000)
    assert total.planned == len(planned) == sum(recording.arrivals.values())
    for outcome in Outcome:
        assert getattr(total, outcome) == sum(had is outcome for _, had, *_ in planned)
    assert total.planned == sum(piece.planned for piece in recording.by_second().values())
    by_endpoint = [recording.between(0, 2000, name).planned for name in recording.endpoints()]
    assert total.planned == sum(by_endpoint)


@given(st.lists(requests()))
def test_only_clean_errors_have_no_latency(
    planned: list[tuple[str, Outcome, float, float, float]],
) -> None:
    """Time-outs and unsent arrivals are in the response times, quick refusals are not."""
    total = recording_of(planned).between(0, 2000)
    assert total.response.count == total.planned - total.failed
    assert total.service.count == total.ok + total.timed_out


@given(st.lists(requests()), st.lists(st.floats(999, 1012), min_size=1, max_size=5))
def test_phases_that_touch_share_out_every_second_once(
    planned: list[tuple[str, Outcome, float, float, float]], cuts: list[float]
) -> None:
    """However the time is cut, no request is counted twice and none is lost."""
    recording = recording_of(planned)
    edges = [0.0, *sorted(cuts), 2000.0]
    parts = [recording.between(*pair).planned for pair in pairwise(edges)]
    assert sum(parts) == len(planned)


def test_a_request_belongs_to_the_second_in_which_it_was_due() -> None:
    """An answer that comes ten seconds later still counts where the request was due."""
    recording = Recording()
    recording.record("GET /", Outcome.OK, 100.9, 103.0, 111.0)
    (key,) = recording.slices
    assert key == (100, "GET /")
    assert recording.slices[key].response.highest == 111.0 - 100.9
    assert recording.slices[key].service.highest == 111.0 - 103.0


def test_an_arrival_that_was_never_sent_keeps_its_own_endpoint() -> None:
    """It never became a request, so no endpoint of the test is blamed."""
    recording = Recording()
    recording.record_unsent(100.2, 105.2)
    assert recording.endpoints() == [UNSENT_ENDPOINT]
    assert recording.between(100, 101).not_sent == 1


@given(st.builds(Slice, *[st.integers(0, 10**6)] * 4))
def test_availability_and_error_rate_add_up_to_one(piece: Slice) -> None:
    """Where something was planned; else there is neither."""
    if piece.planned == 0:
        assert piece.availability is None
        assert piece.error_rate is None
    else:
        assert piece.availability is not None
        assert piece.error_rate is not None
        assert math.isclose(piece.availability + piece.error_rate, 1)


def test_an_empty_recording_is_false() -> None:
    """So that nothing needs to be sent for a second without requests."""
    recording = Recording()
    assert not recording
    recording.arrivals[5] += 1
    assert recording


def test_a_run_knows_its_phases() -> None:
    """A phase that never came is None."""
    run = terminated().run
    warmup = run.phase(PhaseName.WARMUP)
    assert isinstance(warmup, PhaseSpan)
    assert warmup.seconds == 5
