"""Conditions for any names are parsed back unchanged, and no value escapes its quotes."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from fullsend.operate.gcp.google_errors import explain, read
from fullsend.operate.model.conditions import for_orgs, parse
from fullsend.operate.model.edits import Edit
from fullsend.operate.model.environment import orgs, repos
from fullsend.operate.operate_errors import BadInput
from mintcore.policy.names import Org, Repo

logins = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9-]{0,20}", fullmatch=True)
org_names = st.builds(Org, logins)
repo_names = st.builds(Repo, org_names, st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True))


@given(st.lists(org_names, max_size=20))
def test_a_condition_of_organizations_is_read_back_with_its_case(listed: list[Org]) -> None:
    wanted = for_orgs(listed)
    found = parse(wanted.cel())
    assert found is not None
    assert found.spelled() == wanted.spelled()


@given(st.text(max_size=200))
def test_a_foreign_condition_is_read_or_refused_and_never_rewritten_to_more(text: str) -> None:
    found = parse(text)
    if found is not None and not found.public:
        assert all(f"'{login}'" in text for login in found.spelled())


@given(
    st.dictionaries(st.sampled_from(["ALLOWED_ORGS", "PER_REPO_WIF_REPOS"]), st.text(max_size=60)),
    org_names,
    repo_names,
)
def test_an_edit_holds_after_it_was_applied_whatever_was_there(
    before: dict[str, str], org: Org, repo: Repo
) -> None:
    edit = Edit(add_orgs=(org,), add_repos=(repo,))
    after = edit.apply(before)
    assert org in orgs(after)
    assert repo in repos(after)
    assert edit.is_applied(after)


@given(st.lists(org_names, min_size=1, max_size=5, unique=True))
def test_edits_of_different_organizations_end_the_same_in_any_order(listed: list[Org]) -> None:
    forth: dict[str, str] = {}
    back: dict[str, str] = {}
    for org in listed:
        forth = Edit(add_orgs=(org,)).apply(forth)
    for org in reversed(listed):
        back = Edit(add_orgs=(org,)).apply(back)
    assert set(orgs(forth)) == set(orgs(back)) == set(listed)


@given(org_names, repo_names)
def test_leaving_undoes_joining(org: Org, repo: Repo) -> None:
    before = {"ALLOWED_ORGS": "someone-else", "OTHER": "x"}
    if Org("someone-else") in (org, repo.owner):
        return
    joined = Edit(add_orgs=(org,), add_repos=(repo,)).apply(before)
    left = Edit(remove_repos=(repo,)).apply(Edit(remove_orgs=(org,)).apply(joined))
    assert left == before


@given(
    st.integers(400, 599),
    st.binary(max_size=300)
    | st.builds(
        lambda x: json.dumps(x).encode(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=10),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["error", "details", "message", "status", "@type", "reason"]), inner, max_size=4
                )
            ),
        ),
    ),
)
def test_any_error_answer_of_googles_becomes_a_sentence(status: int, body: bytes) -> None:
    error = explain(read(status, body), what="do it", project="p", permission_hint="x")
    assert "do it" in error.message
    assert not isinstance(error, BadInput)
