"""What callers can make the mint ask GitHub: storms of requests against a GitHub that fails in every way."""

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
    MAX_LOOKUPS,
    MAX_NEEDLESS,
    MAX_NEEDLESS_OF_APP,
    SECONDS,
    Lookup,
    LookupLimits,
)
from mintcore.policy.caller import Caller
from mintcore.policy.decision import EnrolledIds, GrantQuestion, Ids
from mintcore.policy.names import Org, Role, parse_repo
from mintcore.policy.roles import App
from tests.mint_doubles import FakeClock, new_attempt
from tests.unit.github.lookup_world import CODER, HOST, VARIABLE, LookupWorld

if TYPE_CHECKING:
    from collections.abc import Callable

LIBRARY = "target-org/library"
READS = "/repos/target-org/library/actions/variables"
TOKENS = "/app/installations"
TOOL = Caller(parse_repo("caller-org/tool"))


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


def test_a_private_host_is_asked_about_once_a_minute(world: LookupWorld) -> None:
    world.github.delete_repo(HOST)
    world.github.create_repo(HOST)
    calls = set()
    for _ in range(3):
        with pytest.raises(AppNotInstalled):
            world.contains("a" * 40)
        calls.add(world.calls())
    assert len(calls) == 1


def test_ids_are_looked_up_once_a_minute_and_anew_for_a_mint(world: LookupWorld) -> None:
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


APP = App("1", CODER)


def lookup(target: str = LIBRARY, app: App = APP) -> Lookup:
    return Lookup(app, GrantQuestion(parse_repo(target), VARIABLE))


def job(repository: str = "caller-org/tool") -> Caller:
    return Caller(parse_repo(repository))


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


def test_what_is_remembered_is_bounded() -> None:
    limits = LookupLimits(FakeClock())
    for number in range(10_005):
        limits.failed(lookup(f"t/r{number}"), job(f"org{number}/app"), GitHubUnavailable())
    limits.admit(lookup("t/r0"), job("org0/app"), "it")
    with pytest.raises(GitHubUnavailable):
        limits.admit(lookup("t/r10004"), job("org10004/app"), "it")
