"""One run per environment on whatever machine; stopped from any of them."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from chaos.aws.clients import BotoClients
from chaos.aws.shared_store import Conflict, SharedStore, StoreFailed, open_store
from chaos.engine.lease import LASTS, RENEW_EVERY, UNSURE_AFTER, WATCH, Lease, Taken
from chaos.engine.lock import Note
from chaos.engine.shared_lock import SharedLock
from chaos.model.environment import load_settings
from chaos.model.problems import EnvironmentTaken, InvalidInput, Refused
from chaos.model.shared_place import parse_shared_place
from tests.chaos_command import Chaos, stop_two_in
from tests.shared_stores import MemoryStore, made_store
from tests.simulation import START, SimulatedClock

PLACES = ("s3://chaos-locks/of/runs", "dynamodb://chaos-locks")


def note(run: str) -> Note:
    """Who has a lock."""
    return Note("someone@elsewhere", START, run)


class Machine:
    """One of several machines that use the same store."""

    def __init__(self, store: SharedStore, behind: float = 0.0) -> None:
        """`behind`: seconds by which its clock is wrong."""
        self.clock = SimulatedClock()
        self.clock.time -= behind
        self.warnings: list[str] = []
        self.lock = SharedLock(store, "123456789012-us-east-1", self.clock, self.warnings.append)

    def beat(self, seconds: float) -> None:
        """Let so much time pass, and do what is due meanwhile."""
        until = self.clock.now() + seconds
        while self.clock.now() < until:
            self.clock.sleep(1.0)
            self.lock.beat()


@pytest.mark.parametrize("place", PLACES)
def test_a_write_with_a_condition_is_refused_where_it_does_not_hold(
    place: str, aws: BotoClients
) -> None:
    """Neither where something is there already, nor where it was changed or taken away."""
    store = made_store(place, aws)
    first = store.write("locks", "a", "one", None)
    with pytest.raises(Conflict):
        store.write("locks", "a", "two", None)
    second = store.write("locks", "a", "two", first)
    with pytest.raises(Conflict):
        store.write("locks", "a", "three", first)
    entry = store.read("locks", "a")
    assert entry is not None
    assert (entry.text, entry.version) == ("two", second)
    store.delete("locks", "a")
    store.delete("locks", "a")
    with pytest.raises(Conflict):
        store.write("locks", "a", "four", second)
    assert store.read("locks", "a") is None


@pytest.mark.parametrize("place", PLACES)
def test_a_folder_lists_its_own_entries_in_order(place: str, aws: BotoClients) -> None:
    """And not those of folders whose names begin alike, or of folders below."""
    store = made_store(place, aws)
    for folder, name in [("runs/a", "2"), ("runs/a", "1"), ("runs/ab", "3"), ("runs", "4")]:
        store.put(folder, name, f"in {folder}")
    assert store.list("runs/a") == {"1": "in runs/a", "2": "in runs/a"}
    assert store.list("nothing") == {}


@pytest.mark.parametrize("place", PLACES)
def test_a_place_that_does_not_exist_is_named(place: str, aws: BotoClients) -> None:
    """In one message that says which."""
    with pytest.raises(StoreFailed, match=place):
        open_store(parse_shared_place(place), aws).put("locks", "a", "one")


@pytest.mark.parametrize("place", PLACES)
def test_one_machine_has_the_lock_and_the_other_is_refused(place: str, aws: BotoClients) -> None:
    """Until it is given back; who has it is said."""
    store = made_store(place, aws)
    one, other = Machine(store), Machine(store)
    with one.lock.held(note("run-1")):
        assert other.lock.holder() == note("run-1")
        with pytest.raises(EnvironmentTaken, match="run run-1 by someone@elsewhere"):
            other.lock.held(note("run-2")).__enter__()
        one.beat(10)
        assert one.lock.stop_requested() is None
    assert other.lock.holder() is None
    with other.lock.held(note("run-2")):
        assert one.lock.holder() == note("run-2")
    assert one.warnings == other.warnings == []


def test_of_many_who_want_a_lease_at_once_one_gets_it() -> None:
    """Whatever the order in which they read and write."""
    store = MemoryStore()
    got: list[str] = []
    together = threading.Barrier(8)

    def want(name: str) -> None:
        together.wait()
        try:
            Lease(store, "locks", "a", SimulatedClock()).acquire(note(name))
        except Taken:
            return
        got.append(name)

    threads = [threading.Thread(target=want, args=(str(n),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1


def test_a_lease_that_is_not_renewed_is_taken_over_when_it_has_ended() -> None:
    """As after a kill -9 of its holder; not before."""
    store = MemoryStore()
    Lease(store, "locks", "a", SimulatedClock()).acquire(note("killed"))
    next_one = SimulatedClock()
    with pytest.raises(Taken, match="run killed"):
        Lease(store, "locks", "a", next_one).acquire(note("next"))
    next_one.sleep(LASTS)
    lease = Lease(store, "locks", "a", next_one)
    lease.acquire(note("next"))
    assert lease.holder() == note("next")


def test_a_lease_is_not_taken_from_a_holder_whose_clock_is_behind() -> None:
    """It looks as if it had ended long ago, but is renewed while it is watched."""
    store = MemoryStore()
    slow, right = SimulatedClock(), SimulatedClock()
    slow.time -= 300
    lease = Lease(store, "locks", "a", slow)
    lease.acquire(note("slow"))

    def renew() -> None:
        slow.sleep(RENEW_EVERY)
        lease.renew()

    right.after(RENEW_EVERY, renew)
    with pytest.raises(Taken, match="run slow"):
        Lease(store, "locks", "a", right).acquire(note("right"))
    assert right.now() - START >= WATCH


def test_a_write_whose_answer_was_lost_is_known_as_our_own() -> None:
    """The second try of the same write meets the first."""
    store = MemoryStore()
    store.loses_answers = True
    lease = Lease(store, "locks", "a", SimulatedClock())
    lease.acquire(note("mine"))
    lease.renew()
    assert lease.holder() == note("mine")


def test_a_renewal_that_fails_is_told_once_and_ends_the_run_before_the_lease_ends() -> None:
    """A short outage is only told."""
    store = MemoryStore()
    machine = Machine(store)
    with machine.lock.held(note("run")):
        store.fails = lambda _folder, _name: True
        machine.beat(UNSURE_AFTER - RENEW_EVERY)
        assert len(machine.warnings) == 1
        assert machine.lock.stop_requested() is None
        store.fails = lambda _folder, _name: False
        machine.beat(RENEW_EVERY)
        assert machine.lock.stop_requested() is None
        store.fails = lambda _folder, _name: True
        machine.beat(UNSURE_AFTER + RENEW_EVERY)
        assert "the lock could not be renewed for" in (machine.lock.stop_requested() or "")
        assert UNSURE_AFTER + RENEW_EVERY < LASTS
        store.fails = lambda _folder, _name: False


def test_a_lock_that_is_lost_to_another_ends_the_run() -> None:
    """A machine that slept for a minute has no right any more, and does not take it back."""
    store = MemoryStore()
    asleep, other = Machine(store), Machine(store)
    with ExitStack() as held:
        held.enter_context(asleep.lock.held(note("asleep")))
        other.clock.sleep(LASTS + 60)
        held.enter_context(other.lock.held(note("other")))
        asleep.beat(RENEW_EVERY + 1)
        assert asleep.lock.stop_requested() == (
            "the lock was lost to run other by someone@elsewhere"
        )
        assert other.lock.holder() == note("other")
        other.beat(RENEW_EVERY + 1)
        assert other.lock.stop_requested() is None


def test_a_run_is_stopped_from_another_machine() -> None:
    """It looks every second; a request is for one run, the kill switch for all that follow."""
    store = MemoryStore()
    here, there = Machine(store), Machine(store)
    with here.lock.held(note("run")):
        there.lock.request_stop(Note("ann@desk", START, "too loud"))
        here.beat(1)
        assert here.lock.stop_requested() == "stopped by ann@desk: too loud"
    with here.lock.held(note("next")):
        here.beat(1)
        assert here.lock.stop_requested() is None
        there.lock.turn_kill_switch_on(Note("ann@desk", START, ""))
        here.beat(1)
        assert here.lock.stop_requested() == "stopped by ann@desk"
    with pytest.raises(Refused, match="the kill switch is on, by ann@desk"):
        here.lock.held(note("third")).__enter__()
    assert here.lock.turn_kill_switch_off()
    assert not there.lock.turn_kill_switch_off()
    with here.lock.held(note("fourth")):
        assert there.lock.holder() == note("fourth")


@pytest.mark.parametrize("text", ["s3://b", "s3:/bucket", "dynamodb://", "redis://x", "table", 3])
def test_a_place_that_is_none_is_refused_where_it_stands(text: object, tmp_path: Path) -> None:
    """With what may be written."""
    file = tmp_path / "chaos.toml"
    file.write_text(f'[environments.staging]\nregion = "eu-west-1"\nlock = {text!r}\n')
    with pytest.raises(InvalidInput, match=r"chaos.toml:3:1: .*write s3://bucket/prefix"):
        load_settings(file)


@pytest.mark.parametrize(
    "text", ["s3://my.bucket", "s3://bucket/a/b", "dynamodb://Table_1", "s3://bucket/a/"]
)
def test_a_place_reads_as_it_was_written(text: str) -> None:
    """But for a slash at its end."""
    assert str(parse_shared_place(text)) == text.rstrip("/")


def test_the_command_stops_what_another_machine_runs(aws: BotoClients, tmp_path: Path) -> None:
    """A second run is refused meanwhile; the kill switch holds on both until chaos resume."""
    place = PLACES[1]
    store = made_store(place, aws)
    here, there = Chaos(tmp_path / "here"), Chaos(tmp_path / "there")
    file = stop_two_in(aws, tmp_path)
    for machine in (here, there):
        machine.use_api(aws, f'lock = "{place}"')
    with here.running("run", file, "--env", "shared", "--plain") as process:
        here.await_journal('"stage":"inject-confirmed"')
        refused = there("run", file, "--env", "shared", "--plain")
        assert refused.returncode == 2
        assert "another run is going on" in refused.stderr
        stopped = there("stop", "--all", "--because", "enough")
        assert stopped.returncode == 0, stopped.stdout + stopped.stderr
        assert process.wait(30) == 4
    assert "enough" in here.report()["reason"]
    assert list(store.list("stops")) == ["kill-switch"]
    assert there("resume").returncode == 0
    assert store.list("stops") == {}
    described = aws.client("ec2").describe_instances()["Reservations"][0]["Instances"]
    assert {one["State"]["Name"] for one in described} == {"running"}
