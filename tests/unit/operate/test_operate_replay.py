"""Changes of others during a build are applied again: additions and removals, once, never wider than intended."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullsend.operate.model.edits import Edit
from fullsend.operate.model.replay import Replay

NOTHING = Edit()
NAMES = st.lists(st.sampled_from(["a", "b", "c", "d"]), unique=True)


@pytest.mark.parametrize(
    ("before", "theirs", "written", "after"),
    [
        ("a,b", "a", "a,b,c", "a,c"),
        ("a", "a,b", "a,c", "a,c,b"),
        ("Octo", "octo", "Octo,c", "c,octo"),
        ("a", "", "a", ""),
        ("a", "a,*", "a", "a,*"),
    ],
)
def test_a_list_gets_what_others_added_and_loses_what_they_took_away(
    before: str, theirs: str, written: str, after: str
) -> None:
    replay = Replay({"ALLOWED_ORGS": before}, {"ALLOWED_ORGS": theirs}, NOTHING)
    assert replay.apply({"ALLOWED_ORGS": written}) == {"ALLOWED_ORGS": after}


@pytest.mark.parametrize(
    ("before", "theirs", "written", "after"),
    [("a,b", "a", "b", "b"), ("a,b", "a", "a,b", "a"), ("", "a", "", "a"), ("a", "", "b", "b")],
)
def test_the_list_of_roles_to_serve_never_becomes_empty_by_two_removals(
    before: str, theirs: str, written: str, after: str
) -> None:
    replay = Replay({"ALLOWED_ROLES": before}, {"ALLOWED_ROLES": theirs}, NOTHING)
    assert replay.apply({"ALLOWED_ROLES": written}) == {"ALLOWED_ROLES": after}


def test_roles_are_taken_one_by_one_and_other_values_than_objects_are_left_out() -> None:
    before, theirs = '{"a": "1", "b": "2"}', '{"b": "3", "c": "4"}'
    replay = Replay({"ROLE_APP_IDS": before}, {"ROLE_APP_IDS": theirs}, NOTHING)
    written = {"ROLE_APP_IDS": '{"a": "1", "b": "2", "d": "5"}'}
    assert json.loads(replay.apply(written)["ROLE_APP_IDS"]) == {"b": "3", "c": "4", "d": "5"}
    assert Replay({"ROLE_APP_IDS": before}, {"ROLE_APP_IDS": "oops"}, NOTHING).is_applied(written)


def test_a_setting_that_the_deployment_changed_too_stays_as_the_deployment_has_it() -> None:
    replay = Replay({"A": "1", "B": "1", "C": "1"}, {"A": "2", "B": "2"}, NOTHING)
    assert replay.apply({"A": "1", "B": "3", "C": "1"}) == {"A": "2", "B": "3"}


@given(NAMES, NAMES, NAMES)
def test_done_twice_it_is_as_done_once(before: list[str], theirs: list[str], written: list[str]) -> None:
    for name in ("ALLOWED_ORGS", "ALLOWED_ROLES", "ALLOWED_WORKFLOW_FILES"):
        replay = Replay({name: ",".join(before)}, {name: ",".join(theirs)}, NOTHING)
        once = replay.apply({name: ",".join(written)})
        assert replay.is_applied(once)
