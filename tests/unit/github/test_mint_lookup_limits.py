"""How many look-ups an organization and an App may cause, and what is remembered of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from mintcore.errors import (
    AppNotInstalled,
    GitHubRateLimited,
    GitHubUnavailable,
)
from mintcore.github.lookup_limits import (
    MAX_LOOKUPS,
    MAX_NEEDLESS,
    MAX_NEEDLESS_OF_APP,
    SECONDS,
    LookupLimits,
)
from mintcore.policy.decision import EnrolledIds, Ids
from mintcore.policy.names import Role
from mintcore.policy.roles import App
from tests.mint_doubles import FakeClock, new_attempt
from tests.unit.github.lookup_values import LIBRARY, TOKENS, TOOL, job, lookup
from tests.unit.github.lookup_world import HOST, LookupWorld


def test_an_organization_causes_few_look_ups_that_allow_nothing(world: LookupWorld) -> None:
    targets = [f"target-org/r{number}" for number in range(MAX_NEEDLESS)]
    assert {world.variable(target) for target in targets} == {""}
    calls = world.calls()
    with pytest.raises(GitHubRateLimited, match="30 look-ups that failed or allowed nothing") as refused:
        world.variable(LIBRARY)
    assert (refused.value.retry_after, world.calls()) == (60, calls)
    assert "Jobs of caller-org have caused" in refused.value.public
    assert world.variable(targets[0]) == ""  # from the cache
    world.put(LIBRARY, "other-org/app")
    assert world.variable(LIBRARY, caller="other-org/app") == "other-org/app"
    world.clock.advance(SECONDS)
    assert world.variable(LIBRARY) == "other-org/app"


def test_strangers_of_its_organization_do_not_stop_a_caller_that_was_granted_before(world: LookupWorld) -> None:
    world.put(LIBRARY, "caller-org/tool")
    world.variable(LIBRARY)
    world.clock.advance(SECONDS)
    for number in range(MAX_NEEDLESS):
        world.variable(f"target-org/r{number}", caller="caller-org/stranger")
    assert world.variable(LIBRARY) == "caller-org/tool"
    world.clock.advance(SECONDS)
    assert world.variable(LIBRARY) == "caller-org/tool"


def test_commits_and_ids_count_as_well(world: LookupWorld) -> None:
    commits = [f"{number:040x}" for number in range(MAX_NEEDLESS)]
    assert not any(world.contains(commit) for commit in commits)
    with pytest.raises(GitHubRateLimited):
        world.contains("f" * 40)
    with pytest.raises(GitHubRateLimited):
        world.variable(LIBRARY)
    with pytest.raises(GitHubRateLimited):
        world.ids.ids(world.app, EnrolledIds(TOOL.repository, "", "7"), TOOL, new_attempt(world.clock))


def test_a_private_host_is_asked_about_once_a_minute(world: LookupWorld) -> None:
    world.github.delete_repo(HOST)
    world.github.create_repo(HOST)
    calls = set()
    for _ in range(3):
        with pytest.raises(AppNotInstalled):
            world.contains("a" * 40)
        calls.add(world.calls())
    assert len(calls) == 1


def test_ids_are_looked_up_once_a_minute_and_again_for_a_mint(world: LookupWorld) -> None:
    enrolled = EnrolledIds(TOOL.repository, "", str(world.github.id_of("caller-org/tool")))

    def ask() -> Ids:
        return world.ids.ids(world.app, enrolled, TOOL, new_attempt(world.clock))

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: ask(), range(16))) == {Ids("", enrolled.repository_id)}
    assert world.github.traffic.count(path_prefix=TOKENS) == 1
    world.github.delete_repo("caller-org/tool")
    world.github.create_repo("caller-org/tool")
    assert ask() == Ids("", enrolled.repository_id)
    now = Ids("", str(world.github.id_of("caller-org/tool")))
    assert world.ids.current(world.app, enrolled, TOOL, new_attempt(world.clock)) == now
    assert ask() == now
    assert world.github.traffic.count(path_prefix=TOKENS) == 2


def test_look_ups_that_allow_something_are_bounded_by_what_one_request_names() -> None:
    limits = LookupLimits(FakeClock())
    for number in range(MAX_LOOKUPS):
        limits.admit(lookup(f"t/r{number}"), job(), "it")
        limits.answered(lookup(f"t/r{number}"), job(), gained=True, looked_up=True)
    with pytest.raises(GitHubRateLimited, match="500 look-ups") as refused:
        limits.admit(lookup(), job("Caller-Org/other"), "it")
    assert refused.value.retry_after == 60
    limits.admit(lookup(), job("other-org/app"), "it")


def test_many_organizations_together_leave_half_of_the_apps_limit() -> None:
    limits = LookupLimits(FakeClock())
    admitted = 0
    for number in range(40 * MAX_NEEDLESS):
        asks, about = job(f"org{number % 40}/app"), lookup(f"t/r{number}")
        try:
            limits.admit(about, asks, "it")
        except GitHubRateLimited:
            continue
        admitted += 1
        limits.answered(about, asks, gained=False, looked_up=True)
    assert admitted == MAX_NEEDLESS_OF_APP
    # A new organization has one look-up all the same, and another App its own limit.
    limits.admit(lookup(), job("new-org/app"), "it")
    limits.answered(lookup(), job("new-org/app"), gained=False, looked_up=True)
    with pytest.raises(GitHubRateLimited, match="for one App"):
        limits.admit(lookup("t/more"), job("new-org/app"), "it")
    limits.admit(lookup("t/more", App("2", Role("triage"))), job("new-org/app"), "it")


def test_what_is_remembered_is_bounded() -> None:
    limits = LookupLimits(FakeClock())
    for number in range(10_005):
        limits.failed(lookup(f"t/r{number}"), job(f"org{number}/app"), GitHubUnavailable())
    limits.admit(lookup("t/r0"), job("org0/app"), "it")
    with pytest.raises(GitHubUnavailable):
        limits.admit(lookup("t/r10004"), job("org10004/app"), "it")
