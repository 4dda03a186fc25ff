"""A journal that was cut off or damaged: no fault is lost from sight."""

from __future__ import annotations

import itertools
import json
import tempfile
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from chaos.engine.journal import FILE_NAME, AnyRecord, read_journal
from chaos.engine.recovery import LostTrack, lost_runs, open_faults, unfinished_runs
from tests.chaos_command import Chaos
from tests.simulation import SimulatedEc2, Simulation
from tests.two_stops import HIT, TWO, all_running, recovered, states_of


@dataclass(frozen=True)
class Moment:
    """A run at the moment before one line of its journal was written."""

    bytes_before: int
    instances: dict[str, str]


@dataclass(frozen=True)
class Told:
    """A whole run, moment by moment."""

    journal: bytes
    moments: tuple[Moment, ...]

    def world(self, at: Moment, directory: Path) -> Simulation:
        """The world as it was then, with the runner gone; what was on its way has arrived."""
        simulation = Simulation(directory, TWO)
        arrived = {"stopping": "stopped", "pending": "running"}
        states = {name: arrived.get(state, state) for name, state in at.instances.items()}
        simulation.ec2 = SimulatedEc2(simulation.clock, states)
        return simulation


@cache
def told() -> Told:
    """One run of the two faults, to its end."""
    with tempfile.TemporaryDirectory() as directory:
        simulation = Simulation(Path(directory), TWO)
        file, moments = Path(directory) / FILE_NAME, list[Moment]()

        def on_record(_: AnyRecord) -> None:
            moments.append(Moment(file.stat().st_size, dict(simulation.ec2.states)))

        simulation.on_record = on_record
        simulation.run()
        moments.append(Moment(file.stat().st_size, dict(simulation.ec2.states)))
        return Told(file.read_bytes(), tuple(moments))


def test_a_journal_cut_off_at_any_byte_tells_all_that_was_injected_by_then(tmp_path: Path) -> None:
    """At each of its bytes it can be read, and names every fault that was in; each end recovers."""
    run = told()
    for before, after in itertools.pairwise(run.moments):
        simulation = run.world(before, tmp_path / str(before.bytes_before))
        file = simulation.directory / FILE_NAME
        injected = {name for name, hit in HIT.items() if "stopped" in states_of(simulation, hit)}
        for length in range(before.bytes_before, after.bytes_before):
            file.write_bytes(run.journal[:length])
            journal = read_journal(simulation.directory)
            assert journal.damaged == ()
            assert injected <= {fault.name for fault in open_faults(journal)}
        if before.bytes_before:
            assert recovered(simulation) == []
        assert all_running(simulation)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(
    share=st.floats(0, 1),
    start=st.floats(0, 1),
    damage=st.binary(min_size=1, max_size=600),
)
@example(share=0.5, start=0.0, damage=b"x")
@example(share=0.5, start=0.0, damage=b"\n" * 600)
def test_a_journal_damaged_anywhere_loses_no_fault_from_sight(
    tmp_path_factory: pytest.TempPathFactory, share: float, start: float, damage: bytes
) -> None:
    """Each fault is put back, or named; or the run is, where not even its beginning can be read.

    The very last byte stays: a line that lacks its end was not written, for all that anybody knows.
    """
    _, *written, _ = told().moments
    at = written[int(share * (len(written) - 1))]
    simulation = told().world(at, tmp_path_factory.mktemp("reports") / "run")
    journal = bytearray(told().journal[: at.bytes_before])
    first = int(start * (len(journal) - 2))
    damage = damage[: len(journal) - 1 - first]
    journal[first : first + len(damage)] = damage
    (simulation.directory / FILE_NAME).write_bytes(journal)
    try:
        named = {broken.name for broken in recovered(simulation)}
    except LostTrack as lost:
        assert [str(one) for one in lost_runs(simulation.directory.parent)] == [str(lost)]
        return
    for name, hit in HIT.items():
        assert states_of(simulation, hit) == {"running"} or name in named


def without_number(line: bytes) -> bytes:
    """The line as it was written before lines had numbers: the checksum of the record alone."""
    record = line.partition(b'"record":')[2][:-1]
    return b'{"crc32":"%08x","record":%s}' % (zlib.crc32(record), record)


def test_a_journal_from_before_lines_had_numbers_is_read_and_gone_on_with(tmp_path: Path) -> None:
    """At each moment of a run; what recovery appends has numbers that go on from there."""
    run = told()
    for at in run.moments[1:]:
        simulation = run.world(at, tmp_path / str(at.bytes_before))
        file = simulation.directory / FILE_NAME
        lines = run.journal[: at.bytes_before].splitlines()
        file.write_bytes(b"".join(without_number(line) + b"\n" for line in lines))
        assert recovered(simulation) == []
        assert all_running(simulation)
        assert read_journal(simulation.directory).damaged == ()
        appended = [json.loads(line) for line in file.read_bytes().splitlines()[len(lines) :]]
        assert [line["number"] for line in appended] == list(
            range(len(lines), len(lines) + len(appended))
        )


def test_a_fault_of_which_no_line_is_left_is_named(tmp_path: Path) -> None:
    """Where both lines are damaged that told of it, and no more than those."""
    run = told()
    *lines, rest = run.journal[: run.moments[7].bytes_before].split(b"\n")
    assert rest == b""
    assert b'"name":"second","stage":"inject-called"' in lines[-1]
    simulation = run.world(run.moments[7], tmp_path)
    damaged = [*lines[:-2], b"x" * 200, b"x" * 100, b""]
    (tmp_path / FILE_NAME).write_bytes(b"\n".join(damaged))
    assert [broken.name for broken in recovered(simulation)] == ["second"]


def test_a_run_whose_beginning_is_damaged_is_told_by_recover(tmp_path: Path) -> None:
    """With the faults that its journal still tells of, and exit 5."""
    chaos = Chaos(tmp_path)
    run = told()
    directory = chaos.reports / "20270115-080000-two"
    directory.mkdir(parents=True)
    (directory / FILE_NAME).write_bytes(b"#" + run.journal[1 : run.moments[8].bytes_before])
    assert list(unfinished_runs(chaos.reports)) == []
    ran = chaos("recover")
    assert ran.returncode == 5
    assert "does not say which run it is of (damaged lines: 1); it tells of first" in ran.stdout
    assert "by hand" in ran.stdout
