"""Who served requests, and what their users had of it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.load.inside.witnesses import ServerWatch, UserWatch
from chaos.measure.recording import Recording
from chaos.measure.tallies import ServerKey, Tally

TIMEOUT = 10.0
LONGEST = TIMEOUT + 60.0

requests = st.lists(
    st.tuples(st.integers(0, 2), st.floats(0, 200), st.booleans()), min_size=1, max_size=40
).map(lambda made: sorted(made, key=lambda request: request[1]))


@dataclass(eq=False)
class Greenlet:
    """What stands for a user."""

    dead: bool = False


@given(requests, st.floats(200, 300), st.sets(st.integers(0, 39)))
def test_user_time_is_from_request_to_request(
    made: list[tuple[int, float, bool]], end: float, tells: set[int]
) -> None:
    """Each stretch counts as its first request ended, however often one asks in between."""
    users = [Greenlet() for _ in range(3)]
    watch, recording = UserWatch(TIMEOUT), Recording()
    for number, (user, at, good) in enumerate(made):
        watch.saw(users[user], at, good=good)
        if number in tells:
            watch.tell(recording)
    watch.end(end)
    watch.tell(recording)
    up = down = 0.0
    for user in range(3):
        own = [(at, good) for name, at, good in made if name == user]
        for (at, good), (then, _) in itertools.pairwise([*own, (end, True)]):
            up += min(then - at, LONGEST) * good
            down += min(then - at, LONGEST) * (not good)
    assert sum(time.up for time in recording.users.values()) == pytest.approx(up)
    assert sum(time.down for time in recording.users.values()) == pytest.approx(down)
    assert all(time.up + time.down <= 3 + 1e-9 for time in recording.users.values())


def test_a_user_that_has_left_has_no_more_time() -> None:
    """What a user had after its last request is not known where it has ended since."""
    gone, stays = Greenlet(), Greenlet()
    watch, recording = UserWatch(TIMEOUT), Recording()
    for user in (gone, stays):
        watch.saw(user, 5.5, good=True)
        watch.saw(user, 6.0, good=False)
    watch.tell(recording)
    gone.dead = True
    watch.forget_the_dead()
    watch.end(7.0)
    watch.tell(recording)
    assert {s: (time.up, time.down) for s, time in recording.users.items()} == {
        5: (1, 0),
        6: (0, 1),
    }


def test_servers_are_named_by_the_headers_there_are() -> None:
    """Zone and instance, or what there is of them; an answer that names nobody counts nowhere."""
    watch, recording = ServerWatch(("zone", "by")), Recording()
    for headers, good in (
        ({"zone": "a", "by": "i-1"}, True),
        ({"zone": "a", "by": "i-1"}, False),
        ({"by": "i-2", "via": "x"}, True),
        ({"via": "x"}, True),
    ):
        watch.saw(headers, 7, good=good)
    watch.tell(recording)
    watch.tell(recording)
    assert recording.servers == {
        ServerKey(7, "a/i-1"): Tally(1, 1),
        ServerKey(7, "i-2"): Tally(1, 0),
    }


@pytest.mark.parametrize(("names", "expected"), [((), set()), (("by",), {"i-1"})])
def test_any_number_of_headers_may_name_a_server(
    names: tuple[str, ...], expected: set[str]
) -> None:
    """None, or one alone."""
    watch, recording = ServerWatch(names), Recording()
    watch.saw({"by": "i-1"}, 7, good=True)
    watch.tell(recording)
    assert {key.server for key in recording.servers} == expected
