"""Another machine can recover a run whose runner is gone, from the copy of its journal."""

from __future__ import annotations

import itertools
import json
import signal
from contextlib import suppress
from pathlib import Path
from threading import Event

import pytest

from chaos.aws.clients import BotoClients
from chaos.aws.shared_store import SharedStore
from chaos.engine.courier import Courier
from chaos.engine.journal import (
    FILE_NAME,
    AnyRecord,
    Captured,
    FileJournal,
    Noted,
    Reached,
    RunEnded,
    Stage,
    read_journal,
)
from chaos.engine.lease import LASTS
from chaos.engine.lock import Note
from chaos.engine.mirror import Mirror, Place, open_journal
from chaos.measure.run import Ending
from chaos.model.problems import Refused
from tests.chaos_command import Chaos, stop_two_in
from tests.eventually import eventually
from tests.shared_stores import MemoryStore, made_store
from tests.simulation import START, SimulatedClock, Simulation
from tests.two_stops import TWO, all_running, recovered

ONE = """
title: One stops
targets: {a: {type: aws:ec2:instance, ids: [i-0]}}
actions: {first: {action: aws:ec2:stop-instances, targets: a, duration: 6s}}
"""
NOTE = Note("someone@elsewhere", START, "simulated")


class Crash(BaseException):
    """The runner is gone."""


class Crashing:
    """A simulated run with a copy, that crashes at the n-th journal line or AWS call."""

    def __init__(self, directory: Path, step: int) -> None:
        self.simulation = Simulation(directory, TWO)
        self.store = MemoryStore()
        self.simulation.mirror_store = self.store
        self.simulation.on_record = lambda _: self.tick()
        for name in ("stop_instances", "start_instances"):
            self._surround(name)
        self.left = step
        self.copy: MemoryStore | None = None
        """What had reached the store by then; None where the run had no such step."""

    def _surround(self, name: str) -> None:
        call = getattr(self.simulation.ec2, name)

        def made(**parameters: object) -> None:
            self.tick()
            call(**parameters)
            self.tick()

        setattr(self.simulation.ec2, name, made)

    def tick(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.copy = self.store.copy()
            raise Crash

    def crash(self) -> None:
        with suppress(Crash):
            self.simulation.run()
        self.left = -1  # what comes later does not crash


def elsewhere(store: SharedStore) -> Place:
    """The copies of the simulated environment, seen from another machine."""
    return Place(store, "http://127.0.0.1:1")


def test_a_crash_at_any_step_can_be_recovered_from_the_copy_alone(tmp_path: Path) -> None:
    """The other machine has nothing but what had reached the store at that moment."""
    for step in itertools.count(1):
        crashed = Crashing(tmp_path / str(step), step)
        crashed.crash()
        if crashed.copy is None:
            break
        here = tmp_path / "elsewhere" / str(step)
        elsewhere(crashed.copy).bring_down("simulated", here)
        if (here / FILE_NAME).stat().st_size:
            crashed.simulation.directory = here
            assert recovered(crashed.simulation) == []
        assert all_running(crashed.simulation), f"after a crash at step {step}"
    assert step > 20


def test_the_copy_is_the_journal_line_for_line(tmp_path: Path) -> None:
    """Brought down, it is the same file; a machine that has a part gets the rest."""
    simulation = Simulation(tmp_path / "here", TWO)
    simulation.mirror_store = MemoryStore()
    simulation.run()
    whole = (tmp_path / "here" / FILE_NAME).read_bytes()
    place = elsewhere(simulation.mirror_store)
    place.bring_down("simulated", tmp_path / "there")
    assert (tmp_path / "there" / FILE_NAME).read_bytes() == whole
    for length in (0, 10, 3000, len(whole) - 1):
        (tmp_path / "there" / FILE_NAME).write_bytes(whole[:length])
        place.bring_down("simulated", tmp_path / "there")
        assert (tmp_path / "there" / FILE_NAME).read_bytes() == whole


def test_the_undo_is_in_the_copy_before_the_fault_is_injected(tmp_path: Path) -> None:
    """Its captured state, and that it is about to be injected."""
    simulation = Simulation(tmp_path, TWO)
    store = simulation.mirror_store = MemoryStore()
    seen: list[str] = []
    stop = simulation.ec2.stop_instances

    def stop_instances(InstanceIds: list[str]) -> None:  # noqa: N803
        seen.append("".join(store.list(elsewhere(store).journal("simulated")).values()))
        stop(InstanceIds)

    simulation.ec2.stop_instances = stop_instances  # type: ignore[method-assign]
    simulation.run()
    assert len(seen) == 2
    for said, name in zip(seen, ("first", "second"), strict=True):
        assert f'"kind":"captured","name":"{name}"' in said
        assert f'"name":"{name}","stage":"inject-called"' in said


@pytest.mark.parametrize("refused_at", [Captured, Reached])
def test_nothing_is_injected_where_the_copy_cannot_be_written(
    tmp_path: Path, refused_at: type
) -> None:
    """Neither where the state cannot be written, nor where the announcement cannot."""
    simulation = Simulation(tmp_path, TWO)
    store = simulation.mirror_store = MemoryStore()

    def on_record(record: AnyRecord) -> None:
        broken = isinstance(record, refused_at)
        store.fails = lambda _folder, _name: broken

    simulation.on_record = on_record
    run = simulation.run().run
    assert run.ending is Ending.ABORTED
    assert "the copy of the journal could not be written: memory: refused" in run.reason
    assert simulation.ec2.calls == []


def test_a_copy_that_fails_while_a_fault_is_in_is_told_once_and_stops_no_undo(
    tmp_path: Path,
) -> None:
    """When it can be written again, it catches up."""
    simulation = Simulation(tmp_path, ONE)
    store = simulation.mirror_store = MemoryStore()
    refused: list[str] = []

    def fails(_folder: str, name: str) -> bool:
        refused.append(name)
        return True

    def on_record(record: AnyRecord) -> None:
        if isinstance(record, Reached) and record.stage is Stage.INJECT_CONFIRMED:
            store.fails = fails
        if isinstance(record, Reached) and record.stage is Stage.REVERT_CONFIRMED:
            eventually(lambda: len(refused) > 1, 10, "the copy was refused, and tried again")
            store.fails = lambda _folder, _name: False

    simulation.on_record = on_record
    run = simulation.run().run
    assert run.ending is Ending.COMPLETED
    assert run.faults[0].verified
    told = [e for e in run.events if "the copy of the journal cannot be written" in e.text]
    assert len(told) == 1
    elsewhere(store).bring_down("simulated", tmp_path / "there")
    whole = (tmp_path / FILE_NAME).read_bytes()
    assert (tmp_path / "there" / FILE_NAME).read_bytes() == whole


def test_a_store_that_does_not_answer_is_not_waited_for_without_end() -> None:
    """Before a change it is waited for a moment, and then the change is not made."""
    answer = Event()

    def send(_number: int, _line: bytes) -> None:
        assert answer.wait(10)

    courier = Courier(send, print)
    courier.send(0, b"line")
    with pytest.raises(OSError, match="no answer within 0"):
        courier.await_sent(0.05)
    answer.set()
    courier.await_sent(10)
    assert courier.close() == ""


def test_a_run_that_is_alive_is_not_recovered_by_another_machine() -> None:
    """Until its lease has ended, or it has ended itself."""
    store, clock = MemoryStore(), SimulatedClock()
    place = elsewhere(store)
    run = Mirror(place, "simulated", clock, print)
    recovery = Mirror(place, "simulated", clock, print)
    with run.alive(NOTE):
        assert place.open_runs() == ["simulated"]
        assert place.alive("simulated", clock).holder() == NOTE
        with pytest.raises(Refused, match="run simulated is alive"):
            recovery.alive(NOTE).__enter__()
        clock.sleep(LASTS + 1)
        with recovery.alive(Note("bob@desk", START, "simulated")):
            run.beat()
            assert run.stop_requested() == "the run is being recovered by bob@desk"
    assert place.alive("simulated", clock).holder() is None


@pytest.mark.parametrize(
    ("ending", "still_found"), [(Ending.ABORTED, []), (Ending.ROLLBACK_INCOMPLETE, ["simulated"])]
)
def test_a_run_is_found_until_all_of_it_is_back(
    tmp_path: Path, ending: Ending, still_found: list[str]
) -> None:
    """One that left something broken goes on being found."""
    store = MemoryStore()
    mirror = Mirror(elsewhere(store), "simulated", SimulatedClock(), print)
    with mirror.alive(NOTE), open_journal(tmp_path, mirror) as journal:
        journal.write(RunEnded(at=START, ending=ending, reason=""))
    assert elsewhere(store).open_runs() == still_found


def test_a_torn_last_line_does_not_spoil_what_a_recovery_writes(tmp_path: Path) -> None:
    """It is taken away where it is torn, and ended where only its end is missing."""
    with_torn = tmp_path / FILE_NAME
    lines = [Noted(at=START, about="test", text=text) for text in ("one", "two", "three")]
    whole = FileJournal(tmp_path)
    for line in lines[:2]:
        whole.write(line)
    written = with_torn.read_bytes()
    for length in range(written.index(b"\n") + 1, len(written) + 1):
        with_torn.write_bytes(written[:length])
        FileJournal(tmp_path).write(lines[2])
        read = read_journal(tmp_path)
        assert read.damaged == ()
        expected = lines if length >= len(written) - 1 else [lines[0], lines[2]]
        assert list(read.records) == expected


def test_another_machine_recovers_a_run_that_was_killed(aws: BotoClients, tmp_path: Path) -> None:
    """With `chaos recover --env`; while it is alive, it is left alone."""
    place = "s3://chaos-journals/of"
    store = made_store(place, aws)
    here, there = Chaos(tmp_path / "here"), Chaos(tmp_path / "there")
    file = stop_two_in(aws, tmp_path)
    for machine in (here, there):
        machine.use_api(aws, f'journal_mirror = "{place}"')
    with here.running("run", file, "--env", "shared", "--plain") as process:
        here.await_journal('"stage":"inject-confirmed"')
        assert "is alive" in there("recover", "--env", "shared").stdout
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    endpoint = aws.client("ec2").meta.endpoint_url
    let_leases_end(Place(store, f"123456789012-us-east-1-{endpoint}"))
    recovered = there("recover", "--env", "shared")
    assert recovered.returncode == 0, recovered.stdout + recovered.stderr
    assert "everything is put back and verified" in recovered.stdout
    described = aws.client("ec2").describe_instances()["Reservations"][0]["Instances"]
    assert {one["State"]["Name"] for one in described} == {"running"}
    assert there.run_directory().name == here.run_directory().name
    assert "another machine has put everything back" in here("recover").stdout


def let_leases_end(place: Place) -> None:
    """As if the half minute had passed after which a run that is not renewed is gone."""
    for name, text in place.store.list(place.living).items():
        place.store.put(place.living, name, json.dumps(json.loads(text) | {"renewed_at": 0}))
