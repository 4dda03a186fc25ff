"""What links do to connections, each seen from both of its ends."""

from __future__ import annotations

import contextlib
import resource
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.lab.fabric.client import FabricClient, FabricError
from chaos.lab.fabric.condition import DROP, PASS, RESET, Condition, LinkName, Mode
from tests.eventually import eventually

LINK = LinkName("client", "echo")

PATIENCE = 0.4
"""Seconds after which nothing more is expected to come."""


class _Echo(socketserver.BaseRequestHandler):
    """Sends back all that it gets, and says its own good-bye after the caller's."""

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            while data := self.request.recv(65536):
                self.request.sendall(data)


class _EchoServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128


@dataclass(frozen=True)
class _Road:
    """A fabric with one link, which leads to an echo server."""

    fabric: FabricClient
    port: int

    def set(self, condition: Condition) -> None:
        self.fabric.set(LINK, condition)

    def connect(self, timeout: float = 5.0) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def echo(self, data: bytes) -> bytes:
        """Send it all, say good-bye, and return all that comes back."""
        with self.connect() as connection:
            sender = threading.Thread(target=_send_and_end, args=(connection, data))
            sender.start()
            received = bytearray()
            while piece := connection.recv(65536):
                received += piece
            sender.join()
        return bytes(received)


def _send_and_end(connection: socket.socket, data: bytes) -> None:
    connection.sendall(data)
    connection.shutdown(socket.SHUT_WR)


def _ask_once(port: int, timeout: float) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout) as connection:
        connection.sendall(b"anybody there?")
        return connection.recv(1)


def _is_silent(connection: socket.socket) -> bool:
    connection.settimeout(PATIENCE)
    try:
        connection.recv(1)
    except TimeoutError:
        return True
    return False


@pytest.fixture(scope="module")
def echo_port() -> Iterator[int]:
    """The port of an echo server."""
    with _EchoServer(("127.0.0.1", 0), _Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(scope="module")
def shared_road(echo_port: int) -> Iterator[_Road]:
    """One fabric for all tests here."""
    fabric = FabricClient()
    yield _Road(fabric, fabric.open(LINK, echo_port))
    fabric.stop()


@pytest.fixture
def road(shared_road: _Road) -> _Road:
    """A link that passes everything."""
    shared_road.set(PASS)
    return shared_road


conditions = st.one_of(
    st.just(PASS),
    st.builds(
        Condition,
        st.just(Mode.DELAY),
        delay_s=st.floats(0, 0.02),
        jitter_s=st.floats(0, 0.02),
    ),
    st.builds(Condition, st.just(Mode.LIMIT), bytes_per_s=st.floats(3e6, 1e8)),
)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.binary(min_size=1, max_size=300),
    times=st.integers(1, 1000),
    condition=conditions,
    later=conditions,
)
def test_what_arrives_is_what_was_sent(
    shared_road: _Road, seed: bytes, times: int, condition: Condition, later: Condition
) -> None:
    """Through a passing, delaying or limiting link, and while that changes, bytes keep order."""
    data = seed * times
    shared_road.set(condition)
    with contextlib.ExitStack() as stack:
        timer = threading.Timer(0.005, shared_road.set, (later,))
        timer.start()
        stack.callback(timer.join)
        assert shared_road.echo(data) == data


def test_many_connections_at_once_do_not_mix(road: _Road) -> None:
    """Each of fifty connections gets back its own bytes."""
    connections = [road.connect() for _ in range(50)]
    for number, connection in enumerate(connections):
        connection.sendall(bytes([number]) * 1000)
    for number, connection in enumerate(connections):
        received = b""
        while len(received) < 1000:
            received += connection.recv(1000)
        assert received == bytes([number]) * 1000
        connection.close()


def test_a_slow_reader_slows_its_sender(road: _Road) -> None:
    """What nobody reads is not taken without end: the sender is made to wait."""
    with road.connect(timeout=PATIENCE) as connection, pytest.raises(TimeoutError):
        connection.sendall(b"x" * 100_000_000)


def test_the_callers_good_bye_does_not_cut_off_the_answer(road: _Road) -> None:
    """One direction may end while the other goes on."""
    with road.connect() as connection:
        connection.sendall(b"last words")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b"last words"
        assert connection.recv(100) == b""


def test_a_delay_holds_back_both_ways(road: _Road) -> None:
    """A round trip takes two delays more, also on a connection from before."""
    with road.connect() as connection:
        connection.sendall(b"a")
        connection.recv(1)
        road.set(Condition(Mode.DELAY, delay_s=0.15))
        started = time.monotonic()
        connection.sendall(b"b")
        connection.recv(1)
        assert 0.3 <= time.monotonic() - started < 0.6


def test_a_limit_is_shared_by_all_connections(road: _Road) -> None:
    """Two connections with 25 kB each take half a second each way at 100 kB/s."""
    road.set(Condition(Mode.LIMIT, bytes_per_s=100_000))
    started = time.monotonic()
    threads = [threading.Thread(target=road.echo, args=(b"x" * 25_000,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0.5 <= time.monotonic() - started < 1.2


def test_on_a_dropping_link_established_connections_go_silent(road: _Road) -> None:
    """Neither answer nor reset nor end comes while the link drops; afterwards all arrives."""
    with road.connect() as connection:
        connection.sendall(b"a")
        assert connection.recv(1) == b"a"
        road.set(DROP)
        connection.sendall(b"b")
        assert _is_silent(connection)
        road.set(PASS)
        connection.settimeout(5)
        assert connection.recv(1) == b"b"


def test_on_a_dropping_link_new_connections_get_no_answer(road: _Road) -> None:
    """A caller waits until it gives up: it is not refused, and nothing answers."""
    road.set(DROP)
    with pytest.raises(TimeoutError):
        _ask_once(road.port, timeout=PATIENCE)


def test_a_caller_that_waits_gets_through_once_the_link_passes(road: _Road) -> None:
    """The caller's kernel keeps trying, as on a network that comes back."""
    road.set(DROP)
    with socket.socket() as connection:
        connection.settimeout(10)
        timer = threading.Timer(PATIENCE, road.set, (PASS,))
        timer.start()
        connection.connect(("127.0.0.1", road.port))
        timer.join()
        connection.sendall(b"at last")
        assert connection.recv(100) == b"at last"


def test_what_is_said_on_a_dropping_link_ends_with_the_other_side(road: _Road) -> None:
    """A caller who hangs up while the link drops is gone once it passes again."""
    connection = road.connect()
    connection.sendall(b"a")
    connection.recv(1)
    road.set(DROP)
    connection.close()
    road.set(PASS)
    eventually(lambda: _open(road) == 0, within=5, what="no open connection")


def test_a_resetting_link_resets_established_and_new_connections(road: _Road) -> None:
    """Both ends learn of it at once."""
    with road.connect() as connection:
        connection.sendall(b"a")
        connection.recv(1)
        road.set(RESET)
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    with pytest.raises(ConnectionError):
        _ask_once(road.port, timeout=5)
    eventually(lambda: _open(road) == 0, within=5, what="no open connection")


def test_a_destination_that_refuses_is_felt_as_a_reset(road: _Road) -> None:
    """Where nobody listens behind a link, the caller is not left waiting."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        name = LinkName("client", "nobody")
        port = road.fabric.open(name, nobody.getsockname()[1])
        with pytest.raises(ConnectionResetError):
            _ask_once(port, timeout=5)
        road.fabric.close(name)


def test_a_link_counts_what_passes(road: _Road) -> None:
    """Connections and bytes are counted each way."""
    before = road.fabric.counters()[LINK]
    road.echo(b"x" * 1234)
    after = road.fabric.counters()[LINK]
    assert after.connections - before.connections == 1
    assert after.bytes_up - before.bytes_up == 1234
    assert after.bytes_down - before.bytes_down == 1234


def test_a_closed_link_refuses_and_lets_the_established_linger(road: _Road, echo_port: int) -> None:
    """New callers are refused at once; the established are reset after a while."""
    name = LinkName("client", "leaving")
    port = road.fabric.open(name, echo_port)
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(b"a")
        connection.recv(1)
        road.fabric.close(name, linger=0.2)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 5)
        connection.sendall(b"b")
        assert connection.recv(1) == b"b"
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


@pytest.fixture
def doors(road: _Road, echo_port: int) -> Iterator[list[LinkName]]:
    """Four links: two that work, one that drops, and one to where nobody listens."""
    names = [LinkName("internet", f"node-{number}") for number in range(4)]
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        for name in names[:3]:
            road.fabric.open(name, echo_port)
        road.fabric.open(names[3], nobody.getsockname()[1])
        road.fabric.set(names[2], DROP)
        yield names
        for name in names:
            road.fabric.close(name)


def _connections(road: _Road, names: list[LinkName]) -> list[int]:
    counters = road.fabric.counters()
    return [counters[name].connections for name in names]


def test_a_door_takes_turns_and_passes_over_those_that_refuse(
    road: _Road, doors: list[LinkName]
) -> None:
    """Connections go to the links in turn; one that is refused tries the next."""
    port = road.fabric.open_door("turns")
    road.fabric.lead("turns", [doors[0], doors[3], doors[1]])
    for _ in range(20):
        assert _ask_once(port, 5) == b"a"
    counts = _connections(road, doors)
    assert sum(counts) == 20
    assert min(counts[:2]) >= 5
    road.fabric.close_door("turns")
    with pytest.raises(ConnectionRefusedError):
        _ask_once(port, 5)


def test_behind_a_door_a_dropping_link_hangs_until_it_passes_again(
    road: _Road, doors: list[LinkName]
) -> None:
    """Its caller is not led elsewhere, and an established connection goes quiet."""
    port = road.fabric.open_door("dark")
    road.fabric.lead("dark", [doors[2]])
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(b"a")
        assert _is_silent(connection)
        road.fabric.set(doors[2], PASS)
        connection.settimeout(5)
        assert connection.recv(1) == b"a"
        road.fabric.set(doors[2], DROP)
        connection.sendall(b"b")
        assert _is_silent(connection)


def test_a_caller_keeps_a_doors_answer_for_its_time_to_live(
    road: _Road, doors: list[LinkName]
) -> None:
    """Led elsewhere, the door leads there only those who ask anew."""
    port = road.fabric.open_door("kept", 0.5)
    road.fabric.lead("kept", [doors[0]])
    started = time.monotonic()
    assert _ask_once(port, 5) == b"a"
    road.fabric.lead("kept", [doors[1]])
    assert _ask_once(port, 5) == b"a"
    if time.monotonic() - started < 0.5:
        assert _connections(road, doors)[:2] == [2, 0]

    def led_to_the_second() -> bool:
        assert _ask_once(port, 5) == b"a"
        return _connections(road, doors)[1] > 0

    eventually(led_to_the_second, 5, "the answer expires")
    assert time.monotonic() - started >= 0.5


def test_an_unknown_link_is_an_error_and_the_fabric_lives_on(road: _Road) -> None:
    """A wrong call is answered with a message that names it."""
    with pytest.raises(FabricError, match="nowhere"):
        road.fabric.set(LinkName("client", "nowhere"), PASS)
    assert road.echo(b"still here") == b"still here"


def test_the_fabric_ends_with_the_one_who_drives_it() -> None:
    """When its control connection ends, the process does too, without being killed."""
    fabric = FabricClient()
    fabric.open(LINK, 1)
    fabric.hang_up()
    assert fabric.process.wait(5) == 0


def test_a_limit_without_a_rate_is_refused() -> None:
    """A condition that means nothing cannot be made."""
    with pytest.raises(ValueError, match="bytes_per_s"):
        Condition(Mode.LIMIT)


def _open(road: _Road) -> int:
    return road.fabric.counters()[LINK].open_connections


@pytest.fixture
def many_files() -> Iterator[None]:
    """Let this process, which has both ends of each connection, have many files open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 4096 if hard == resource.RLIM_INFINITY else min(hard, 4096)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
def test_a_link_can_be_silenced_while_many_connections_are_open(road: _Road) -> None:
    """Also where the numbers of open files have become large."""
    with contextlib.ExitStack() as stack:
        for _ in range(600):
            stack.enter_context(road.connect())
        eventually(lambda: _open(road) == 600, 10, "all are through")
        road.set(DROP)
        with pytest.raises(TimeoutError):
            road.connect(timeout=PATIENCE)
    road.set(PASS)
    eventually(lambda: _open(road) == 0, 10, "all are closed")
