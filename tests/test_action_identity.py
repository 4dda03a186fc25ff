"""Every action that has an undo: after it, all that AWS tells of everything is as before."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from chaos.actions.action import Action, ActionKind, Expiring, Known, Revertible
from chaos.actions.registry import Registry
from chaos.aws.resources import Resource
from chaos.model.problems import Refused
from tests.aws_world import World, targets_of
from tests.test_network_action import ZONES

NONE: st.SearchStrategy[dict[str, Any]] = st.just({})

PARAMETERS: Mapping[str, st.SearchStrategy[dict[str, Any]]] = {
    "aws:autoscaling:exclude-availability-zone": st.fixed_dictionaries(
        {"availabilityZoneIdentifiers": st.lists(st.sampled_from(ZONES), min_size=1, unique=True)}
    ),
    "aws:autoscaling:suspend-processes": st.one_of(
        NONE,
        st.fixed_dictionaries(
            {
                "processes": st.lists(
                    st.sampled_from(["Launch", "Terminate", "HealthCheck", "AZRebalance"]),
                    min_size=1,
                )
            }
        ),
    ),
    "aws:ec2:stop-instances": st.fixed_dictionaries({}, optional={"force": st.booleans()}),
    "aws:elbv2:deregister-targets": st.sampled_from([{}, {"targetGroup": "web"}]),
    "aws:iam:deny-actions": st.sampled_from([{"actions": ["*"]}, {"actions": ["s3:*", "sns:*"]}]),
    "aws:network:disrupt-connectivity": st.fixed_dictionaries(
        {"scope": st.sampled_from(["all", "availability-zone", "vpc", "s3"])}
    ),
    "aws:rds:stop-db-instances": NONE,
}
"""What each action may be given, by its id. Its targets are found in `tests/aws_world.py`."""

ALL_ACTIONS = Registry().all_actions()
REVERTIBLE = [kind for kind in ALL_ACTIONS if issubclass(kind, Revertible)]


def test_an_action_without_an_undo_says_why() -> None:
    """So nothing is left out below by mistake."""
    assert {kind.id for kind in ALL_ACTIONS if not kind.no_undo} == {k.id for k in REVERTIBLE}


# A failing example is not made smaller: that would take a new account for each attempt.
@pytest.mark.parametrize("kind", REVERTIBLE, ids=lambda kind: str(kind.id))
@settings(max_examples=5, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(data=st.data())
def test_after_the_undo_all_is_as_before(
    world: World, kind: type[ActionKind], data: st.DataObject
) -> None:
    """Whatever was hit, however many calls of the injection were made, undone once or twice.

    The simplest case, which comes first, is all of it.
    """
    assert kind.id in PARAMETERS, "say in PARAMETERS what the new action may be given"
    given_to_it = data.draw(PARAMETERS[kind.id], "parameters")
    with world.unchanged():
        found = targets_of(world.aws, str(kind.resource))
        assert found, f"tests/aws_world.py has no {kind.resource} with the targets' tags"
        targets = data.draw(some_of(found), "targets")
        action: Any = kind(world.aws, given_to_it)
        state = captured(action, targets)
        if state is not None:
            begin(world, action, targets, state, data)
            undo(kind, world, given_to_it, state, times=data.draw(st.integers(1, 2), "undone"))
    assume(state is not None)  # what is refused changes nothing, and shows no undo


def some_of(found: Sequence[Resource]) -> st.SearchStrategy[list[Resource]]:
    """All, or any of them."""
    ids = st.sets(st.sampled_from([one.id for one in found]), min_size=1)
    return st.one_of(st.just(list(found)), ids.map(lambda i: [r for r in found if r.id in i]))


def captured(action: Action, targets: Sequence[Resource]) -> Any:
    """What a run would write down; None where the action refuses these targets."""
    try:
        state = action.capture(targets)
    except Refused:
        return None
    return action.expiring(state, time.time() + 60) if isinstance(action, Expiring) else state


def begin(
    world: World, action: Any, targets: Sequence[Resource], state: Any, data: st.DataObject
) -> None:
    """Inject, or be killed after some of the calls."""
    calls = action.inject_calls(targets, state)
    count = data.draw(st.one_of(st.just(len(calls)), st.integers(0, len(calls))), "calls made")
    known: Known = {}
    for call in calls[:count]:
        call.make(world.aws, known)
    if count == len(calls):
        assert action.injected(targets, state)
        assert action.verify(state) is not bool(calls)


def undo(
    kind: type[ActionKind], world: World, parameters: dict[str, Any], state: Any, times: int
) -> None:
    """As a recovery does it: by another process, from what was written down."""
    action: Any = kind(world.aws, parameters)
    stored = kind.State.model_validate_json(state.model_dump_json())
    for _ in range(times):
        action.revert(stored)
        assert action.verify(stored)
