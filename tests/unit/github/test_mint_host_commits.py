from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullsend_sandbox.faults import Drop, Fail, Garbage
from mintcore.errors import AppNotInstalled, GitHubRateLimited, GitHubUnavailable, MintError
from mintcore.github.host_commits import _relation
from mintcore.outbound.answer import Answer
from tests.unit.github.lookup_world import HOST, MAIN, LookupWorld

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

COMPARE = f"/repos/{HOST}/compare"


def test_an_ancestor_and_the_tip_of_a_branch_are_contained(world: LookupWorld) -> None:
    old = world.github.git.branch(HOST, "start")
    tip = world.github.git.commit(HOST)
    assert world.contains(old)
    assert world.contains(tip)


def test_a_commit_of_a_fork_is_not_contained_although_the_host_shows_it(world: LookupWorld) -> None:
    world.github.git.fork(HOST, "forkers")
    strange = world.github.git.commit("forkers/workflows")
    assert not world.contains(strange)
    world.github.git.commit(HOST)
    world.clock.advance(60)
    assert not world.contains(strange)


def test_a_commit_of_an_unlisted_branch_is_not_contained(world: LookupWorld) -> None:
    world.github.git.branch(HOST, "draft")
    draft = world.github.git.commit(HOST, branch="draft")
    assert not world.contains(draft)
    assert world.contains(draft, MAIN, "refs/heads/draft")


def test_a_tag_counts_where_it_is_listed(world: LookupWorld) -> None:
    world.github.git.branch(HOST, "release")
    released = world.github.git.commit(HOST, branch="release")
    world.github.git.tag(HOST, "v1", at=released)
    assert world.contains(released, "refs/tags/v1")
    assert not world.contains(released, MAIN)


def test_a_branch_with_the_name_of_a_tag_is_not_taken_for_it(world: LookupWorld) -> None:
    world.github.git.branch(HOST, "stray")
    stray = world.github.git.commit(HOST, branch="stray")
    world.github.git.tag(HOST, "main", at=stray)  # git itself would take "main" for the tag
    assert not world.contains(stray, MAIN)
    assert world.contains(stray, "refs/tags/main")


@pytest.mark.parametrize("commit", ["0" * 40, "0" * 64])
def test_a_commit_that_was_never_pushed_is_not_contained(world: LookupWorld, commit: str) -> None:
    assert not world.contains(commit)


def test_unrelated_histories_and_missing_refs_are_not_contained(world: LookupWorld) -> None:
    pages = world.github.git.orphan(HOST, "pages")
    assert not world.contains(pages, MAIN, "refs/heads/gone")


def test_a_public_host_is_read_with_metadata_of_the_caller_only(world: LookupWorld) -> None:
    assert world.contains(world.github.git.commit(HOST))
    assert world.made_tokens() == [("caller-org", {"metadata": "read"}, None)]


@pytest.mark.parametrize("private", [True, False])
def test_a_host_with_the_app_is_read_with_contents_of_the_host_only(key: RSAPrivateKey, private: bool) -> None:
    world = LookupWorld(key)
    world.github.delete_repo(HOST)
    host = world.github.create_repo(HOST, private=private)
    world.github.install_app(world.installed, "host-org", ["workflows"])
    with world.github:
        world.start()
        assert world.contains(world.github.git.commit(HOST))
        permissions = {"contents": "read", "metadata": "read"}
        assert world.made_tokens() == [("host-org", permissions, frozenset({host.id}))]


def test_a_private_host_without_the_app_is_named_and_asked_once_a_minute(world: LookupWorld) -> None:
    world.github.delete_repo(HOST)
    world.github.create_repo(HOST)
    commit = world.github.git.commit(HOST)
    with pytest.raises(AppNotInstalled, match="must be installed on host-org"):
        world.contains(commit)
    calls = world.calls()
    with pytest.raises(AppNotInstalled):
        world.contains(commit)
    assert world.calls() == calls


def test_an_app_that_does_not_reach_the_host_falls_back_to_the_caller(world: LookupWorld) -> None:
    world.github.create_repo("host-org/other")
    world.github.install_app(world.installed, "host-org", ["other"])
    assert world.contains(world.github.git.commit(HOST))


def test_a_caller_without_the_app_is_told_so(world: LookupWorld) -> None:
    with pytest.raises(AppNotInstalled, match="forkers"):
        world.contains(world.github.git.commit(HOST), caller="forkers")


def test_yes_is_kept_for_good_and_no_for_a_minute(world: LookupWorld) -> None:
    git = world.github.git
    good = git.commit(HOST)
    git.branch(HOST, "draft")
    pending = git.commit(HOST, branch="draft")
    assert (world.contains(good), world.contains(pending)) == (True, False)
    compared = world.github.traffic.count(path_prefix=COMPARE)
    git.merge(HOST, "draft")
    world.clock.advance(59.9)
    assert (world.contains(good), world.contains(pending)) == (True, False)
    assert world.github.traffic.count(path_prefix=COMPARE) == compared
    world.clock.advance(0.1)
    assert world.contains(pending)
    world.clock.advance(10_000_000)
    world.github.traffic.clear()
    assert world.contains(good)
    assert world.contains(pending)
    assert world.calls() == 0


def test_many_who_ask_at_once_cost_one_comparison(world: LookupWorld) -> None:
    commit = world.github.git.commit(HOST)
    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(lambda _: world.contains(commit), range(16)))
    assert world.github.traffic.count(path_prefix=COMPARE) == 1


def test_no_changed_files_are_fetched(world: LookupWorld) -> None:
    world.contains(world.github.git.commit(HOST))
    (asked,) = world.github.traffic.matching(path_prefix=COMPARE)
    assert asked.query == "per_page=1&page=2"


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (Fail(500, "{}"), GitHubUnavailable),
        (Drop(), GitHubUnavailable),
        (Garbage(), GitHubUnavailable),
        (Fail(404, "<html>"), GitHubUnavailable),
        (Fail(200, "[]"), GitHubUnavailable),
        (Fail(200, '{"status": "ahead"}'), GitHubUnavailable),
        (Fail(200, json.dumps({"status": "ahead", "base_commit": {"sha": "f" * 40}})), GitHubUnavailable),
        (Fail(429, '{"message": "slow down"}', {"Retry-After": "7"}), GitHubRateLimited),
    ],
)
def test_trouble_is_github_trouble_and_is_not_kept(
    world: LookupWorld, fault: Any, failure: type[MintError]
) -> None:
    commit = world.github.git.commit(HOST)
    world.github.faults.add(fault, COMPARE)
    with pytest.raises(failure):
        world.contains(commit)
    world.github.faults.clear()
    assert world.contains(commit, caller="target-org")
    assert world.contains(commit)


def test_a_404_for_a_token_that_is_not_known_yet_is_not_a_denial(world: LookupWorld) -> None:
    commit = world.github.git.commit(HOST)
    world.github.faults.add(Fail(404, '{"message": "Not Found"}'), COMPARE, times=1)
    assert world.contains(commit)


SHA = "a" * 40
STATUS = st.sampled_from(["ahead", "identical", "behind", "diverged", "unknown", "", None, 1])
JSON = st.fixed_dictionaries(
    {},
    optional={
        "status": STATUS,
        "base_commit": st.none() | st.fixed_dictionaries({}, optional={"sha": st.sampled_from([SHA, "b" * 40, 1])}),
    },
)


@given(st.one_of(JSON.map(lambda value: json.dumps(value).encode()), st.binary(max_size=30)))
def test_any_answer_is_a_relation_of_this_commit_or_github_trouble(body: bytes) -> None:
    try:
        relation = _relation(Answer(200, {}, body), SHA)
    except GitHubUnavailable:
        return
    found = json.loads(body)
    assert (found["status"], found["base_commit"]["sha"]) == (relation, SHA)
    assert relation in {"ahead", "identical", "behind", "diverged"}
