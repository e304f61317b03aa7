"""Ids of a job's repository: a denial costs no look-up, and a token never relies on an id that is a minute old."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mintcore.errors import GitHubUnavailable
from mintcore.minting.lookups import Lookups
from mintcore.policy.decision import EnrolledIds, Ids
from mintcore.policy.names import Org, RepoName, Role
from mintcore.policy.token_request import TokenRequest
from mintcore.policy.trust import decide
from tests.job_doubles import proven, settings
from tests.mint_doubles import FakeClock, new_attempt

if TYPE_CHECKING:
    from mintcore.policy.decision import Decision
    from mintcore.request import RequestContext

SAME, OTHER = Ids("7", "8"), Ids("7", "9")


class Answers:
    """The ports of grants and ids. ``cached`` is what the cache has, ``now`` what GitHub answers."""

    def __init__(self, *, grant: str = "acme/app", cached: Ids | None = SAME, now: Any = SAME) -> None:
        self.grant = grant
        self.cached = cached
        self.now = now
        self.looked_up = 0

    def variable(self, _app: object, _question: object, _caller: object, _context: object) -> str:
        return self.grant

    def ids(self, _app: object, enrolled: EnrolledIds, caller: Any, context: RequestContext) -> Ids:
        context.cache_hits["ids"] = self.cached is not None
        return self.cached or self.current(_app, enrolled, caller, context)

    def known(self, _app: object, question: Any, _caller: object) -> Any:
        return self.cached if isinstance(question, EnrolledIds) else self.grant

    def current(self, _app: object, enrolled: EnrolledIds, _caller: object, _context: object) -> Ids:
        assert enrolled.repository_id == "8"
        self.looked_up += 1
        if isinstance(self.now, Exception):
            raise self.now
        return Ids(*self.now)


def final(answers: Answers, *, minting: bool = True, report_only: str = "") -> Decision:
    policy = settings(ENROLLED_IDS='{"acme": "7", "acme/app": "8"}', GRANTS="1", REPORT_ONLY=report_only).policy
    request = TokenRequest(Role("coder"), (RepoName("x"),), target_org=Org("other"))
    return Lookups(answers, None, ids=answers).answer(
        lambda facts: decide(policy, proven("gitlab"), request, facts, minting=minting),
        new_attempt(FakeClock()),
        minting=minting,
    )


@pytest.mark.parametrize(
    ("answers", "minting", "code", "looked_up"),
    [
        (Answers(), True, "", 1),
        (Answers(), False, "", 0),
        (Answers(cached=None), True, "", 1),
        (Answers(now=OTHER), True, "org_not_allowed", 1),
        (Answers(now=OTHER), False, "", 0),
        (Answers(cached=OTHER), True, "org_not_allowed", 0),
        (Answers(grant=""), True, "target_not_granted", 0),
    ],
)
def test_only_a_token_costs_a_new_look_up(answers: Answers, minting: bool, code: str, looked_up: int) -> None:
    decision = final(answers, minting=minting)
    assert (decision.denial.failure.code if decision.denial else "") == code
    assert answers.looked_up == looked_up


def test_without_an_answer_about_the_id_there_is_no_token() -> None:
    with pytest.raises(GitHubUnavailable):
        final(Answers(now=GitHubUnavailable()))


def test_a_rule_that_only_reports_costs_no_second_look_up() -> None:
    answers = Answers(now=GitHubUnavailable())
    assert final(answers, report_only="ids").allowed
    assert answers.looked_up == 0
