"""What `chaos run` measures of a server of known behaviour is what is true."""

from __future__ import annotations

import pytest

from tests.calibration import Case, Measured, measure
from tests.known_server import Trouble, running

OUTAGES = (Trouble(2.35, 0.3), Trouble(7.15, 1.0))
CASE = Case(
    "outages of 0.3 s and 1 s, a stall of 1.5 s",
    seconds=13,
    rate=50,  # What waits in the stall is answered at once then, which takes Locust a moment.
    troubles=(*OUTAGES, Trouble(10.0, 1.5, stalls=True)),
)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """One run for all."""
    with running() as server:
        return measure(CASE, server, tmp_path_factory.mktemp("calibration"))


@pytest.mark.alone
def test_the_load_is_what_it_is(measured: Measured) -> None:
    """Every planned arrival, the availability, and the percentiles counted from when it was due."""
    total, truth = measured.total, measured.truth
    assert total.planned == truth.planned
    assert total.availability == pytest.approx(truth.availability, abs=0.004)
    for q in (0.95, 0.99):
        assert total.response.quantile(q) == pytest.approx(truth.quantile(q), rel=0.06)
    servers = measured.run.load.servers.items()
    served = [tally for key, tally in servers if key.second < measured.ended_at]
    assert sum(tally.ok + tally.bad for tally in served) == truth.planned


@pytest.mark.alone
def test_outages_are_when_they_are(measured: Measured) -> None:
    """By the probe to a sample or two; by the seconds of the load to a second."""
    for outages, within in ((measured.probed(), 0.25), (measured.loaded(), 1.0)):
        assert len(outages) == len(OUTAGES)
        for outage, trouble in zip(outages, OUTAGES, strict=True):
            start = outage.start.at - measured.began_at
            assert start == pytest.approx(trouble.start, abs=within)
            assert outage.seconds == pytest.approx(trouble.seconds, abs=within)
