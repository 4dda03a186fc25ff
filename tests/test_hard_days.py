"""Days on which everything else fails, too: no fault is lost from sight, and no traceback shown."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer

from chaos.aws.clients import BotoClients, connect
from chaos.engine.journal import (
    FILE_NAME,
    Captured,
    FileJournal,
    Noted,
    Reached,
    StoredJournal,
    read_journal,
)
from chaos.engine.lock import LocalLock, Note
from chaos.engine.recovery import read_unfinished
from chaos.engine.undo import REVERT_WITHIN
from chaos.measure.recording import Outcome, Recording
from chaos.measure.run import Ending, Run
from chaos.model.environment import Environment
from chaos.model.problems import EnvironmentTaken
from tests.chaos_command import Chaos, stop_two_in
from tests.conftest import CREDENTIALS
from tests.simulation import START, ApiError, SimulatedLoad, Simulation
from tests.two_stops import HIT, LOAD, TWO, all_running, recovered, states_of

NOTE = Note("someone@here", START, "run-1")

# -- the disk


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """What a full disk does, for each file by itself: so many bytes can be written, and no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(("load", "step"), [("", 150), (LOAD, 2000)])
def test_a_disk_that_is_full_at_any_moment_leaves_nothing_broken(
    tmp_path: Path, load: str, step: int
) -> None:
    """What was injected is in the journal and put back, whatever could still be written."""
    whole = Simulation(tmp_path / "whole", load + TWO)
    whole.run()
    most = max(file.stat().st_size for file in (tmp_path / "whole").iterdir())
    ended_badly = 0
    for size in range(0, most + step, step):
        simulation = Simulation(tmp_path / str(size), load + TWO)
        with files_no_larger_than(size):
            try:
                run = simulation.run().run
            except OSError:
                ended_badly += 1
                assert simulation.ec2.calls == []
            else:
                assert all(fault.verified for fault in run.faults if fault.inject_called_at)
        assert all_running(simulation)
        journal = read_journal(simulation.directory)
        assert journal.damaged == ()
        known = {fault.name for fault in faults_of(journal)}
        stopped = {ids for call, ids in simulation.ec2.calls if call == "stop_instances"}
        assert {name for name, hit in HIT.items() if tuple(sorted(hit)) in stopped} <= known
    assert ended_badly


def faults_of(journal: StoredJournal) -> list[Captured]:
    """Those of which the journal has all that an undo needs, and that they are injected."""
    called = {r.name for r in journal.records if isinstance(r, Reached)}
    return [r for r in journal.records if isinstance(r, Captured) and r.name in called]


def test_a_line_for_which_there_was_no_room_does_not_spoil_the_next(tmp_path: Path) -> None:
    """When there is room again, the journal goes on where it was whole."""
    journal = FileJournal(tmp_path)
    one, two, three = (Noted(at=START, about="test", text=text) for text in ("one", "two", "three"))
    journal.write(one)
    size = (tmp_path / FILE_NAME).stat().st_size
    with files_no_larger_than(size + 20), pytest.raises(OSError, match="too large"):
        journal.write(two)
    journal.write(three)
    assert read_journal(tmp_path).records == (one, three)
    assert read_journal(tmp_path).damaged == ()


def test_the_command_on_a_full_disk_says_so_and_puts_everything_back(
    aws: BotoClients, tmp_path: Path
) -> None:
    """From the moment the fault is in, neither journal nor report can be written."""
    chaos = Chaos(tmp_path)
    chaos.use_api(aws)
    file = stop_two_in(aws, tmp_path, lasts="0s")
    assert chaos("run", file, "--env", "shared", "--plain").returncode == 0
    journal = (chaos.run_directory() / FILE_NAME).read_bytes()
    size = journal.index(b"\n", journal.index(b'"inject-confirmed"')) + 20
    limited = (
        f"import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size})); "
        "from chaos.cli import main; sys.exit(main())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", limited, "run", str(file), "--env", "shared", "--plain"],
        cwd=tmp_path,
        env=chaos.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 4, ran.stdout + ran.stderr
    assert "the journal could not be written" in ran.stdout
    assert "stop: put back and verified" in ran.stdout
    assert "the report is not whole" in ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr
    assert states(aws) == {"running"}
    assert read_unfinished(chaos.run_directory()) is not None  # for its end is not in the journal


def states(aws: BotoClients) -> set[str]:
    """The states of all instances."""
    found = aws.client("ec2").describe_instances()["Reservations"]
    return {one["State"]["Name"] for reserved in found for one in reserved["Instances"]}


@pytest.mark.parametrize("why", ["a file is in the way", "nothing may be written there"])
def test_reports_that_cannot_be_written_keep_a_run_from_beginning(why: str, tmp_path: Path) -> None:
    """One line, exit 6."""
    reports = tmp_path / "reports"
    if why == "a file is in the way":
        reports.write_text("")
    elif os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    else:
        reports.mkdir(mode=0o500)
    (tmp_path / "x.yaml").write_text("title: x\n")
    ran = Chaos(tmp_path)("run", "x.yaml", "--host", "http://127.0.0.1:1", "--plain")
    assert ran.returncode == 6
    assert "cannot write reports to reports" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


# -- the AWS API


def gone(simulation: Simulation, since: float, seconds: float) -> None:
    """From then on, the API does not answer for so long."""
    ec2 = simulation.ec2
    count = ec2._count

    def answer(operation: str, ids: tuple[str, ...]) -> None:
        if since <= simulation.clock.now() < since + seconds:
            raise ApiError("could not connect to the endpoint URL")
        count(operation, ids)

    ec2._count = answer  # type: ignore[method-assign]


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(since=st.floats(4, 16))
def test_an_api_that_is_gone_for_half_a_minute_delays_the_undo_and_no_more(
    tmp_path_factory: pytest.TempPathFactory, since: float
) -> None:
    """Whenever it begins; a fault that could not be injected ends the run."""
    simulation = Simulation(tmp_path_factory.mktemp("run"), TWO)
    gone(simulation, START + since, 30)
    run = simulation.run().run
    assert all_running(simulation)
    assert run.ending in {Ending.COMPLETED, Ending.ABORTED}
    assert all(fault.verified for fault in run.faults if fault.inject_called_at)


def test_an_api_that_does_not_come_back_is_told_with_what_is_still_broken(tmp_path: Path) -> None:
    """And once it is back, recovery finds all of it."""
    simulation = Simulation(tmp_path, TWO)
    gone(simulation, START + 9, 3 * REVERT_WITHIN)
    run = simulation.run().run
    assert run.ending is Ending.ROLLBACK_INCOMPLETE
    assert "first: AWS is not back as before after 900 s: could not connect" in run.reason
    assert "second: " in run.reason
    assert states_of(simulation, {"i-0", "i-1", "i-2"}) == {"stopped"}
    simulation.clock.sleep(3 * REVERT_WITHIN)
    assert recovered(simulation) == []
    assert all_running(simulation)


@pytest.mark.real
@contextmanager
def kept_free(host: str, port: int) -> Iterator[None]:
    """Nothing answers at that port, and nobody else is given it: a server may come back there."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((host, port))
        yield


def test_the_command_outlives_an_api_that_is_gone_for_a_while(tmp_path: Path) -> None:
    """The server is stopped while the fault is in, and comes back on the same port."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    aws = connect(Environment(region="us-east-1", endpoint_url=endpoint), CREDENTIALS)
    chaos = Chaos(tmp_path)
    chaos.use_api(aws)
    file = stop_two_in(aws, tmp_path, lasts="1s")
    with chaos.running("run", file, "--env", "shared", "--plain") as process:
        chaos.await_journal('"stage":"inject-confirmed"')
        server.stop()
        with kept_free(host, port):
            chaos.await_journal('"stage":"revert-called"')
            with suppress(subprocess.TimeoutExpired):
                process.wait(2)
            again = ThreadedMotoServer(host, port=port, verbose=False)
            again.start()
        try:
            assert process.wait(60) == 0
            assert states(aws) == {"running"}
        finally:
            again.stop()
    assert chaos.report()["actions"][0]["verified"] is True


# -- two at once


def test_of_many_runs_that_begin_at_once_one_gets_the_lock(tmp_path: Path) -> None:
    """And all others are refused, whoever comes first."""
    together, over = threading.Barrier(8), threading.Barrier(8)
    got: list[int] = []

    def want(number: int) -> None:
        together.wait()
        with suppress(EnvironmentTaken), LocalLock("staging", tmp_path).held(NOTE):
            got.append(number)
            over.wait()
            return
        over.wait()

    threads = [threading.Thread(target=want, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1


def test_a_second_run_is_refused_and_does_not_disturb_the_first(
    aws: BotoClients, tmp_path: Path
) -> None:
    """It says who has the lock, and leaves no directory behind."""
    chaos = Chaos(tmp_path)
    chaos.use_api(aws)
    file = stop_two_in(aws, tmp_path)
    with chaos.running("run", file, "--env", "shared", "--plain") as process:
        chaos.await_journal('"stage":"inject-confirmed"')
        second = chaos("run", file, "--env", "shared", "--plain")
        assert second.returncode == 2
        assert f"run {chaos.run_directory().name} by " in second.stderr
        assert len(list(chaos.reports.iterdir())) == 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 4
    assert states(aws) == {"running"}


# -- a stop condition


class PunctualLoad(SimulatedLoad):
    """Tells of each second when it is over and a moment has passed, as Locust does."""

    delay = 0.15

    def poll(self) -> Recording:
        return self._until(int(self.clock.now() - self.delay))


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    begins=st.floats(0, 5),
    delay=st.floats(0.05, 0.25),
    late=st.floats(0, 1),
    window=st.integers(1, 4),
)
def test_from_the_breach_to_the_first_revert_call_it_is_at_most_a_second_and_a_half(
    tmp_path_factory: pytest.TempPathFactory,
    begins: float,
    delay: float,
    late: float,
    window: int,
) -> None:
    """Whenever the trouble begins within its second, and the run within its own."""
    condition = f"stop_conditions: [error_rate > 50% for {window}s]"
    experiment = LOAD + TWO.replace("6s", "60s") + condition
    simulation = Simulation(tmp_path_factory.mktemp("run"), experiment)
    simulation.clock.time += late
    load = PunctualLoad(simulation.clock)
    load.delay, simulation.load = delay, load
    bad_from = START + 8 + begins
    load.outcome = lambda due: Outcome.FAILED if due >= bad_from else Outcome.OK
    run = simulation.run().run
    assert run.ending is Ending.ABORTED
    assert all_running(simulation)
    assert 0 <= reaction(run, window) <= 1.5


def reaction(run: Run, window: int) -> float:
    """Seconds from the end of the second that breached the condition to the first revert call."""
    breached = next(
        second + 1
        for second in sorted({key.second for key in run.load.slices})
        if (run.load.between(second + 1 - window, second + 1).error_rate or 0) > 0.5
        and second + 1 - window >= run.phases[0].started_at
    )
    first = min(fault.revert_called_at for fault in run.faults if fault.revert_called_at)
    return first - breached
