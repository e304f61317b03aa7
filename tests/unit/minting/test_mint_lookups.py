from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

from mintcore.errors import GitHubUnavailable, InternalError
from mintcore.minting.lookups import Lookups
from mintcore.policy.names import Org, RepoName, Role
from mintcore.policy.ref_patterns import ref_patterns
from mintcore.policy.token_request import TokenRequest
from mintcore.policy.trust import decide
from tests.mint_doubles import FakeClock, caller, new_attempt, policy

if TYPE_CHECKING:
    from mintcore.policy.decision import Decision

CODER = Role("coder")
FLOW = "fullsend-ai/fullsend/.github/workflows/triage.yml"
REFS = ref_patterns(["refs/heads/main", "commits"])


class Answers:
    """Both look-up ports: what each question is answered, or the failure it ends in."""

    def __init__(self, grants: Any = "", *, commits: Any = False) -> None:
        self.given = {"grants": grants, "commits": commits}
        self.asked: list[str] = []

    def variable(self, _app: object, question: Any, _context: object) -> str:
        self.asked.append(str(question.target))
        return str(self._answer("grants"))

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
    return Lookups(answers, answers).answer(
        lambda facts: decide(trusted, asks, request, facts), new_attempt(FakeClock())
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
