"""Failed look-ups: storms of requests against a GitHub that fails in every way."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullsend_sandbox.faults import Drop, Fail, Garbage
from mintcore.errors import (
    AppNotInstalled,
    GitHubRateLimited,
    GitHubRefused,
    GitHubUnavailable,
    Incident,
    KeyUnavailable,
    MintError,
    UpstreamTimeout,
)
from mintcore.github.bounded_lookups import BoundedLookups
from mintcore.github.lookup_limits import (
    SECONDS,
    LookupLimits,
)
from mintcore.policy.caller import Caller
from mintcore.policy.decision import EnrolledIds, Ids
from mintcore.policy.names import Org, parse_repo
from tests.mint_doubles import FakeClock, new_attempt
from tests.unit.github.lookup_values import LIBRARY, TOKENS, TOOL, job, lookup
from tests.unit.github.lookup_world import HOST, LookupWorld

if TYPE_CHECKING:
    from collections.abc import Callable
READS = "/repos/target-org/library/actions/variables"


def code_of(ask: Callable[[], object]) -> str:
    try:
        ask()
    except MintError as failure:
        return failure.code
    return "answered"


FAILURES = [
    (Fail(500, "{}"), "github_unavailable"),
    (Fail(502, "<html>bad gateway</html>"), "github_unavailable"),
    (Fail(404, "<html>nothing here</html>"), "github_unavailable"),
    (Fail(401, "<html>sign in</html>"), "github_unavailable"),
    (Fail(200, "<html>welcome</html>"), "github_unavailable"),
    (Fail(403, '{"message": "secondary rate limit"}'), "github_rate_limited"),
    (Fail(403, '{"message": "IP allow list"}'), "github_refused"),
    (Drop(), "github_unavailable"),
    (Garbage(), "github_unavailable"),
]


@pytest.mark.parametrize("where", [TOKENS, READS])
@pytest.mark.parametrize(("fault", "code"), FAILURES, ids=str)
def test_a_failed_look_up_is_not_repeated_within_a_minute_by_any_job_of_the_organization(
    world: LookupWorld, fault: Any, code: str, where: str
) -> None:
    world.github.faults.add(fault, where)
    first = code_of(lambda: world.variable(LIBRARY))
    assert where == TOKENS or first == code
    calls = world.calls()
    callers = [f"caller-org/job-{number}" for number in range(20)]
    again = {code_of(lambda name=name: world.variable(LIBRARY, caller=name)) for name in callers}  # type: ignore[misc]
    assert (again, world.calls()) == ({first}, calls)
    world.clock.advance(SECONDS)
    world.variable_fails(LIBRARY)
    assert world.calls() <= 2 * calls


def test_a_refused_attempt_says_when_the_mint_asks_again(world: LookupWorld) -> None:
    world.github.faults.add(Fail(500, "{}"), READS)
    world.variable_fails(LIBRARY)
    world.clock.advance(18)
    with pytest.raises(GitHubUnavailable) as refused:
        world.variable(LIBRARY)
    assert refused.value.retry_after == 42
    assert "asks GitHub about the grants of target-org/library again in 42 s." in refused.value.public
    assert refused.value.headers() == {"Retry-After": "42"}


def test_a_time_out_counts_as_a_look_up(world: LookupWorld) -> None:
    world.github.not_usable_for(3600)
    with pytest.raises(UpstreamTimeout):
        world.variable(LIBRARY, new_attempt(world.clock, 2.0))
    calls = world.calls()
    with pytest.raises(UpstreamTimeout) as refused:
        world.variable(LIBRARY)
    assert refused.value.detail.startswith("no look-up, the last one failed")
    assert world.calls() == calls


def test_a_storm_at_once_costs_one_failed_look_up(world: LookupWorld) -> None:
    world.variable("target-org")
    world.github.traffic.clear()
    world.github.faults.add(Fail(500, "{}"), TOKENS)
    with ThreadPoolExecutor(16) as pool:
        ask = lambda number: code_of(lambda: world.variable(LIBRARY, caller=f"caller-org/j{number}"))  # noqa: E731
        assert set(pool.map(ask, range(100))) == {"github_unavailable"}
    assert world.calls() == 3  # one look-up: a call that meets a 5xx is repeated twice


def test_another_organization_is_not_held_up_and_its_answer_serves_everyone(world: LookupWorld) -> None:
    world.put(LIBRARY, "other-org/app")
    world.github.faults.add(Fail(500, "{}"), READS)
    world.variable_fails(LIBRARY)
    world.github.faults.clear()
    assert world.variable(LIBRARY, caller="other-org/app") == "other-org/app"
    assert world.variable(LIBRARY) == "other-org/app"


def test_a_granted_caller_waits_no_longer_than_the_minute_after_a_strangers_failure(world: LookupWorld) -> None:
    world.put(LIBRARY, "caller-org/tool")
    world.github.faults.add(Fail(500, "{}"), READS)
    world.variable_fails(LIBRARY, caller="caller-org/stranger")
    world.github.faults.clear()
    world.clock.advance(SECONDS - 1)
    world.variable_fails(LIBRARY)
    world.clock.advance(1)
    assert world.variable(LIBRARY) == "caller-org/tool"


def test_a_caller_that_was_granted_before_repeats_a_failed_look_up_once(world: LookupWorld) -> None:
    world.put(LIBRARY, "caller-org/tool")
    world.variable(LIBRARY)
    world.clock.advance(SECONDS)
    world.github.faults.add(Fail(500, "{}"), READS)
    world.variable_fails(LIBRARY, caller="caller-org/stranger")
    calls = world.calls()
    world.variable_fails(LIBRARY, caller="caller-org/stranger")
    assert world.calls() == calls
    world.variable_fails(LIBRARY)
    assert world.calls() > calls
    calls = world.calls()
    world.variable_fails(LIBRARY)
    assert world.calls() == calls


def test_a_caller_whose_grant_was_withdrawn_is_a_stranger(world: LookupWorld) -> None:
    world.put(LIBRARY, "caller-org/tool")
    world.variable(LIBRARY)
    world.put(LIBRARY, "nobody/else")
    world.clock.advance(SECONDS)
    world.variable(LIBRARY)
    world.clock.advance(SECONDS)
    world.github.faults.add(Fail(500, "{}"), READS)
    world.variable_fails(LIBRARY)
    calls = world.calls()
    world.variable_fails(LIBRARY)
    assert world.calls() == calls


def test_a_failed_comparison_of_a_commit_is_not_repeated_within_a_minute(world: LookupWorld) -> None:
    commit = world.github.git.commit(HOST)
    world.github.faults.add(Fail(500, "{}"), f"/repos/{HOST}")
    assert code_of(lambda: world.contains(commit)) == "github_unavailable"
    world.github.faults.clear()
    calls = world.calls()
    with pytest.raises(GitHubUnavailable) as refused:
        world.contains(commit)
    assert f"about the commit {commit} of {HOST} again in 60 s" in refused.value.public
    assert world.calls() == calls
    world.clock.advance(SECONDS)
    assert world.contains(commit)


def test_a_failed_look_up_of_ids_is_not_repeated_within_a_minute(world: LookupWorld) -> None:
    enrolled = EnrolledIds(TOOL.repository, "", "7")
    world.github.faults.add(Fail(500, "{}"), TOKENS)

    def ask() -> Ids:
        return world.ids.ids(world.app, enrolled, TOOL, new_attempt(world.clock))

    assert code_of(ask) == "github_unavailable"
    calls = world.calls()
    assert {code_of(ask) for _ in range(20)} == {"github_unavailable"}
    assert world.calls() == calls


def test_a_failure_without_a_call_to_github_does_not_count(world: LookupWorld) -> None:
    world.variable("target-org")
    world.clock.advance(3600)  # the App JWT has expired
    world.signer.failure = KeyUnavailable()
    assert code_of(lambda: world.variable(LIBRARY)) == "key_unavailable"
    world.signer.failure = None
    assert world.variable(LIBRARY) == ""


def test_a_lasting_refusal_is_told_again_without_a_time_to_wait() -> None:
    limits = LookupLimits(FakeClock())
    limits.failed(lookup(), job(), GitHubRefused("No. Fix: ask an owner."))
    with pytest.raises(GitHubRefused) as refused:
        limits.admit(lookup(), job(), "it")
    assert (refused.value.public, refused.value.headers()) == ("No. Fix: ask an owner.", {})


class Noticed(dict[str, bool]):
    """A request's ``cache_hits``; ``event`` is set as soon as the request has reached the cache."""

    def __init__(self) -> None:
        super().__init__()
        self.event = threading.Event()

    def setdefault(self, key: str, default: bool = False) -> bool:  # noqa: FBT002 - dict's signature
        self.event.set()
        return super().setdefault(key, default)


@pytest.mark.parametrize(
    "failure", [AppNotInstalled("not installed on stranger"), Incident(detail="another account")]
)
def test_a_failure_about_another_caller_is_not_shared_with_those_who_wait(failure: MintError) -> None:
    clock, leads, may_end = FakeClock(), threading.Event(), threading.Event()
    lookups = BoundedLookups[str]("commit", clock, LookupLimits(clock), lambda _answer: 60.0)

    def fail() -> str:
        leads.set()
        assert may_end.wait(10)
        raise failure

    def ask(asks: Caller, load: Callable[[], str], hits: dict[str, bool]) -> str:
        context = new_attempt(clock)
        context.cache_hits = hits
        return lookups.get(lookup(), asks, load, context, gained=bool, about="it")

    noticed = Noticed()
    with ThreadPoolExecutor(2) as pool:
        stranger = pool.submit(ask, job("stranger/app"), fail, {})
        assert leads.wait(10)
        genuine = pool.submit(ask, job(), lambda: "contained", noticed)
        assert noticed.event.wait(10)
        may_end.set()
        assert genuine.result(10) == "contained"
        with pytest.raises(type(failure)):
            stranger.result(10)


def test_another_account_of_the_same_name_does_not_stop_the_enrolled_one() -> None:
    limits = LookupLimits(FakeClock())
    limits.failed(lookup(), Caller(parse_repo("caller-org/tool"), owner_id="9"), Incident(detail="another account"))
    limits.admit(lookup(), Caller(parse_repo("caller-org/tool"), owner_id="1"), "it")
    with pytest.raises(Incident):
        limits.admit(lookup(), Caller(parse_repo("caller-org/tool"), owner_id="9"), "it")


def test_githubs_own_time_to_wait_is_not_shortened() -> None:
    limits = LookupLimits(FakeClock())
    limits.failed(lookup(), job(), GitHubRateLimited(retry_after=900))
    with pytest.raises(GitHubRateLimited) as refused:
        limits.admit(lookup(), job(), "it")
    assert refused.value.retry_after == 900


@given(
    st.lists(
        st.tuples(
            st.floats(0, 20), st.sampled_from(["a/x", "a/y", "b/x"]), st.sampled_from(["t/1", "t/2"]), st.booleans()
        ),
        max_size=60,
    )
)
def test_no_minute_has_two_failed_look_ups_of_a_target_for_a_stranger(
    steps: list[tuple[float, str, str, bool]],
) -> None:
    clock, failed = FakeClock(0.0), dict[tuple[Org, str], float]()
    limits = LookupLimits(clock)
    for pause, repository, target, fails in steps:
        clock.advance(pause)
        asks, about = job(repository), lookup(target)
        try:
            limits.admit(about, asks, "it")
        except GitHubUnavailable:
            assert clock.time < failed[asks.org, target] + SECONDS
            continue
        last = failed.pop((asks.org, target), None)
        assert last is None or clock.time >= last + SECONDS
        if fails:
            limits.failed(about, asks, GitHubUnavailable())
            failed[asks.org, target] = clock.time
        else:
            limits.answered(about, asks, gained=False, looked_up=True)
