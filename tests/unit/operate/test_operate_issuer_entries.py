"""Edits of the environment: issuers and entries that come, change and go among others'."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullsend.operate.model import issuer_list
from fullsend.operate.model.caller_changes import entry_changes
from fullsend.operate.model.edits import Edit
from fullsend.operate.model.issuer_edits import DropEntries, DropIssuer, PutIssuer
from fullsend.operate.model.replay import Replay
from fullsend.operate.operate_errors import BadInput
from fullsend.operate.plan.deployment import edit_steps
from fullsend.operate.plan.issuer_changes import edit_for
from tests.unit.operate.issuer_values import FIELDS, GITLAB, LISTED, URL, WANTED, entry
from tests.unit.operate.plan_values import ENVIRONMENT, running

RAW = st.fixed_dictionaries(
    {
        "issuer": st.sampled_from(["gitlab", "other", ""]),
        "match": st.dictionaries(st.sampled_from(["project_id", "ref"]), st.text(max_size=3), max_size=2),
        "as": st.sampled_from(["a/b", "A/B", "c/d"]),
    }
)
CALLERS = st.lists(st.one_of(RAW, st.just(FIELDS), st.integers(), st.text(max_size=2)), max_size=5)


@given(callers=CALLERS, replaced=st.booleans())
def test_putting_an_issuer_holds_and_leaves_the_entries_of_others(callers: list[Any], replaced: bool) -> None:
    other = entry(match={"project_id": "12"})
    edit = PutIssuer(GITLAB, (entry(), other), replaced)
    after = edit.apply({"CALLERS": json.dumps(callers), "ISSUERS": '{"other": {"x": 1}}'})
    assert edit.is_applied(after)
    left = [one for one in json.loads(after["CALLERS"]) if issuer_list.named_by(one) != "gitlab"]
    assert left == [one for one in callers if issuer_list.named_by(one) != "gitlab"]
    own = issuer_list.entries_of(after, "gitlab")
    assert {one.match["project_id"] for one in own} >= {"4711", "12"}
    assert len(own) == 2 or not replaced
    assert json.loads(after["ISSUERS"])["other"] == {"x": 1}


@given(callers=CALLERS)
def test_dropping_an_issuer_leaves_nothing_of_it_and_all_of_others(callers: list[Any]) -> None:
    edit = DropIssuer("gitlab")
    after = edit.apply({**LISTED, "CALLERS": json.dumps(callers)})
    assert edit.is_applied(after)
    assert "ISSUERS" not in after
    left = [one for one in callers if issuer_list.named_by(one) != "gitlab"]
    assert json.loads(after.get("CALLERS", "[]")) == left


AGAIN = {name: value for name, value in FIELDS.items() if name != "roles"}


@pytest.mark.parametrize(
    ("asked", "replaced", "no_level", "roles", "level"),
    [
        (FIELDS, False, False, ["triage"], "read"),
        ({**FIELDS, "roles": ["coder"]}, False, False, ["coder"], "read"),
        (AGAIN, False, False, ["triage"], "read"),
        ({**AGAIN, "level": "write"}, False, False, ["triage"], "write"),
        (FIELDS, False, True, ["triage"], None),
        (AGAIN, False, True, ["triage"], None),
        (FIELDS, True, False, ["triage"], None),
    ],
)
def test_an_entry_keeps_the_roles_and_the_level_that_are_left_out(
    asked: dict[str, Any], replaced: bool, no_level: bool, roles: list[str], level: str | None
) -> None:
    limited = {**LISTED, "CALLERS": json.dumps([{**FIELDS, "level": "read"}])}
    spec = replace(WANTED, callers=(asked,), replace=replaced, no_level=no_level)
    edit = edit_for(limited, spec)
    after = edit.apply(limited)
    [now] = json.loads(after["CALLERS"])
    assert (now["roles"], now.get("level")) == (roles, level)
    assert edit.is_applied(after)


def test_a_level_that_others_set_after_the_plan_stays() -> None:
    edit = edit_for(LISTED, WANTED)
    [now] = json.loads(edit.apply({**LISTED, "CALLERS": json.dumps([{**FIELDS, "level": "read"}])})["CALLERS"])
    assert now["level"] == "read"


def test_a_new_entry_needs_a_role() -> None:
    for variables, spec in ((LISTED, {**AGAIN, "as": "my-org/web"}), ({}, AGAIN)):
        with pytest.raises(BadInput, match="a new entry needs a role") as refused:
            edit_for(variables, replace(WANTED, callers=(spec,)))
        assert refused.value.remedy.startswith("Add --role ROLE.")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"level": "read"}, {}, "change {}: triage at most read -> triage at any level (more access)"),
        ({}, {"level": "read"}, "change {}: triage at any level -> triage at most read"),
        (
            {"level": "read"},
            {"level": "write"},
            "change {}: triage at most read -> triage at most write (more access)",
        ),
        (
            {},
            {"roles": ["triage", "coder"]},
            "change {}: triage at any level -> triage, coder at any level (more access)",
        ),
        ({"roles": ["triage", "coder"]}, {}, "change {}: triage, coder at any level -> triage at any level"),
        (None, {}, "add {}: triage at any level"),
        ({}, None, "remove {}: triage at any level"),
    ],
)
def test_a_plan_shows_how_each_entry_changes(before: Any, after: Any, said: str) -> None:
    other = {**FIELDS, "match": {"project_id": "12"}}
    old, new = ([other] if one is None else [other, {**FIELDS, **one}] for one in (before, after))
    state = running(ENVIRONMENT | {**LISTED, "CALLERS": json.dumps(old)})
    [step] = edit_steps(state, Edit(set_variables=(("CALLERS", json.dumps(new)),)))
    sentence = said.format("gitlab project_id=4711, ref_protected=true as my-org/app")
    assert step.title().endswith(f" ready: CALLERS: {sentence}")


def _sorted(entries: list[Any]) -> list[str]:
    return sorted(json.dumps(entry, sort_keys=True) for entry in entries)


@given(before=CALLERS, after=CALLERS)
def test_a_changed_list_is_shown_as_printable_text(before: list[Any], after: list[Any]) -> None:
    sentences = entry_changes({"CALLERS": json.dumps(before)}, {"CALLERS": json.dumps(after)})
    assert all(sentence.isprintable() for sentence in sentences)
    assert bool(sentences) == (_sorted(before) != _sorted(after))


def test_dropped_entries_are_those_that_have_all_that_is_named() -> None:
    callers = [FIELDS, {**FIELDS, "match": {"project_id": "12"}}, {**FIELDS, "as": "my-org/web"}]
    environment = {**LISTED, "CALLERS": json.dumps(callers)}
    after = DropEntries("gitlab", (("project_id", "4711"),), "My-Org/App").apply(environment)
    assert json.loads(after["CALLERS"]) == callers[1:]


def test_the_default_audience_is_not_written_so_that_it_can_change() -> None:
    own = GITLAB._replace(audience="own")
    assert json.loads(PutIssuer(GITLAB).apply({})["ISSUERS"])["gitlab"] == {"kind": "gitlab", "url": URL}
    assert json.loads(PutIssuer(own).apply({})["ISSUERS"])["gitlab"]["audience"] == "own"


@pytest.mark.parametrize(
    ("before", "theirs", "now", "merged"),
    [
        ("", "[1]", "", "[1]"),
        ("[1]", "[1, 2]", "[1, 3]", "[1, 3, 2]"),
        ("[1, 2]", "[2]", "[1, 2, 3]", "[2, 3]"),
        ("[1]", "", "[1]", ""),
        ("[1]", "[2]", "not json", "not json"),
        ("[1]", "{}", "[1]", "[1]"),
    ],
)
def test_a_deployment_keeps_the_entries_that_others_changed_meanwhile(
    before: str, theirs: str, now: str, merged: str
) -> None:
    changed = Replay({"CALLERS": before}, {"CALLERS": theirs} if theirs else {}, Edit())
    assert changed.apply({"CALLERS": now}).get("CALLERS", "") == merged


def test_a_deployment_keeps_an_issuer_that_was_removed_meanwhile_removed() -> None:
    changed = Replay(LISTED, {}, Edit())
    assert changed.apply(LISTED) == {}
