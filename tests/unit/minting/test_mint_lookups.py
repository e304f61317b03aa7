from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

from mintcore.errors import GitHubUnavailable, InternalError, MintError
from mintcore.minting.lookups import Lookups
from mintcore.policy.names import Org, RepoName, Role
from mintcore.policy.ref_patterns import ref_patterns
from mintcore.policy.token_request import TokenRequest
from mintcore.policy.trust import decide
from mintcore.request import DecisionRecord
from mintcore.startup.helper_threads import HelperThreads
from tests.mint_doubles import FakeClock, caller, new_attempt, policy

if TYPE_CHECKING:
    from mintcore.policy.decision import Decision
    from mintcore.request import RequestContext

CODER = Role("coder")
FLOW = "fullsend-ai/fullsend/.github/workflows/triage.yml"
REFS = ref_patterns(["refs/heads/main", "commits"])


class Answers:
    """Both look-up ports, with an answer or a failure for each question."""

    def __init__(self, grants: Any = "", *, commits: Any = False) -> None:
        self.given = {"grants": grants, "commits": commits}
        self.cached: dict[str, Any] = {}
        self.asked: list[str] = []
        self.helpers: HelperThreads | None = None
        self.context: RequestContext | None = None

    def variable(self, _app: object, question: Any, _caller: object, context: Any) -> str:
        self.asked.append(str(question.target))
        context.upstream_calls["github"] = context.upstream_calls.get("github", 0) + 2
        given = self.given["grants"]
        answer = given.get(question.target.name, "") if isinstance(given, dict) else given
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    def known(self, _app: object, question: Any, _caller: object) -> Any:
        cached = self.cached.get(getattr(getattr(question, "target", None), "name", "commit"))
        if isinstance(cached, Exception):
            raise cached
        return cached

    def contains(self, _app: object, question: Any, own: Any, _context: object) -> bool:
        self.asked.append(f"{question.commit[:4]} for {own.org}")
        return bool(self._answer("commits"))

    def _answer(self, kind: str) -> Any:
        if isinstance(self.given[kind], Exception):
            raise self.given[kind]
        return self.given[kind]


def final(answers: Answers, *repos: str, target: str = "", ref: str = "refs/heads/main", **given: Any) -> Decision:
    request = TokenRequest(
        CODER, tuple(RepoName(name) for name in repos), target_org=Org(target) if target else None
    )
    scopes = MappingProxyType({CODER: "caller"})
    trusted = policy(grants=True, scopes=scopes, workflow_refs=REFS, **given)
    asks = caller(f"{FLOW}@{ref}")
    context = answers.context = new_attempt(FakeClock())
    return Lookups(answers, answers, answers.helpers).answer(
        lambda facts: decide(trusted, asks, request, facts), context
    )


def test_a_decision_without_a_question_asks_nothing() -> None:
    answers = Answers()
    assert final(answers, "app").allowed
    assert answers.asked == []


def test_each_target_is_asked_and_a_commit_before_them() -> None:
    answers = Answers("octo-org/app", commits=True)
    assert final(answers, "x", "y", target="other", ref="ab" * 20).allowed
    assert answers.asked == ["abab for octo-org", "other/x", "other/y"]


def test_the_first_refusal_ends_the_asking() -> None:
    answers = Answers("nobody")
    assert not final(answers, "x", "y", target="other").allowed
    assert answers.asked == ["other/x"]


MANY = tuple(f"r{number}" for number in range(40))


@pytest.mark.parametrize("threads", [None, 0, 3, 16])
def test_many_targets_are_asked_once_each_at_most_eight_at_once(threads: int | None) -> None:
    answers = Answers("octo-org/app")
    answers.helpers = None if threads is None else HelperThreads(threads)
    assert final(answers, *MANY, target="other").allowed
    assert sorted(answers.asked) == sorted(f"other/{name}" for name in MANY)
    assert answers.asked[0] == "other/r0"
    assert set(answers.asked[1:3]) == {"other/r1", "other/r2"}
    assert set(answers.asked[7:15]) == {f"other/r{number}" for number in range(7, 15)}
    assert answers.context is not None
    assert answers.context.upstream_calls == {"github": 2 * len(MANY)}


@pytest.mark.parametrize(("refuses", "asked"), [(0, 1), (1, 3), (2, 3), (3, 7), (6, 7), (7, 15), (15, 23)])
def test_a_refusal_ends_the_asking_with_its_group(refuses: int, asked: int) -> None:
    answers = Answers({name: "octo-org/app" for number, name in enumerate(MANY) if number != refuses})
    answers.helpers = HelperThreads(8)
    decision = final(answers, *MANY, target="other")
    assert decision.denial is not None
    assert f"other/r{refuses} does not grant" in decision.denial.remedy
    assert len(answers.asked) == asked


@pytest.mark.parametrize("threads", [0, 8])
def test_of_a_group_the_first_refusal_or_failure_is_the_answer(threads: int) -> None:
    granted = dict.fromkeys(MANY, "octo-org/app")
    refused_first = Answers(granted | {"r1": "nobody", "r2": GitHubUnavailable()})
    failed_first = Answers(granted | {"r1": GitHubUnavailable(), "r2": "nobody"})
    for answers in (refused_first, failed_first):
        answers.helpers = HelperThreads(threads)
    assert not final(refused_first, *MANY, target="other").allowed
    with pytest.raises(GitHubUnavailable):
        final(failed_first, *MANY, target="other")


@pytest.mark.parametrize(
    "given", [{"grants": GitHubUnavailable(), "commits": True}, {"commits": GitHubUnavailable()}]
)
def test_a_look_up_that_fails_fails_the_request(given: dict[str, Any]) -> None:
    with pytest.raises(GitHubUnavailable):
        final(Answers(**given), "x", target="other", ref="ab" * 20)


def test_a_look_up_that_fails_for_a_rule_that_only_reports_is_reported() -> None:
    answers = Answers(GitHubUnavailable(), commits=GitHubUnavailable())
    decision = final(answers, "docs", ref="ab" * 20, report_only=frozenset({"repo_scope", "workflow_refs"}))
    assert decision.allowed
    assert decision.would_deny == ("workflow_refs", "repo_scope")
    assert "github_unavailable" in next(rule.found for rule in decision.rules if rule.name == "workflow_refs")


def test_another_organization_is_never_only_reported() -> None:
    with pytest.raises(GitHubUnavailable):
        final(Answers(GitHubUnavailable()), "x", target="other", report_only=frozenset({"repo_scope"}))


def test_a_mint_that_cannot_look_up_denies() -> None:
    request, asks = TokenRequest(CODER, (RepoName("x"),), target_org=Org("other")), caller()
    with pytest.raises(InternalError):
        Lookups(None, None).answer(
            lambda facts: decide(policy(grants=True), asks, request, facts), new_attempt(FakeClock())
        )


def early(cached: dict[str, Any], *repos: str, ref: str = "refs/heads/main", **given: Any) -> tuple[str, list[str]]:
    """Return the code of the denial before the exchange, and what was asked."""
    answers = Answers()
    answers.cached = cached
    scopes = MappingProxyType({CODER: "caller"})
    trusted, asks = policy(grants=True, scopes=scopes, workflow_refs=REFS, **given), caller(f"{FLOW}@{ref}")
    request = TokenRequest(CODER, tuple(RepoName(name) for name in repos), target_org=Org("other"))
    record = DecisionRecord("mint", new_attempt(FakeClock()), request)
    record.decision = decide(trusted, asks, request)
    try:
        Lookups(answers, answers).deny_early(partial(decide, trusted, asks, request), record)
    except MintError as failure:
        return failure.code, answers.asked
    return "", answers.asked


GRANTED = "octo-org/app"


@pytest.mark.parametrize(
    ("cached", "repos", "code"),
    [
        ({}, ("x", "y"), ""),
        ({"x": GRANTED}, ("x", "y"), ""),
        ({"x": GRANTED, "y": GRANTED}, ("x", "y"), ""),
        ({"x": ""}, ("x", "y"), "target_not_granted"),
        ({"y": "nobody/x"}, ("x", "y"), "target_not_granted"),
        ({"x": GRANTED, "y": GitHubUnavailable()}, ("x", "y"), "github_unavailable"),
    ],
)
def test_cached_answers_deny_before_the_exchange(cached: dict[str, Any], repos: tuple[str, ...], code: str) -> None:
    assert early(cached, *repos) == (code, [])


def test_a_cached_commit_denies_before_the_exchange_unless_its_rule_only_reports() -> None:
    commit = "ab" * 20
    assert early({"commit": False}, "x", ref=commit) == ("workflow_not_allowed", [])
    assert early({"commit": True, "x": ""}, "x", ref=commit) == ("target_not_granted", [])
    reports = {"report_only": frozenset({"workflow_refs"})}
    assert early({"commit": GitHubUnavailable()}, "x", ref=commit, **reports) == ("", [])
    assert early({"commit": False}, "x", ref=commit, **reports) == ("", [])
