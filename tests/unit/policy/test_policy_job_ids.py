"""A job's repository and its owner have the ids of ENROLLED_IDS, or the job is denied as a workflow is."""

from __future__ import annotations

from typing import Any

import pytest

from mintcore.policy.decision import EnrolledIds, Facts, Ids, IdsQuestion
from mintcore.policy.names import Org, RepoName, Role, parse_repo
from mintcore.policy.token_request import TokenRequest
from mintcore.policy.trust import decide
from tests.job_doubles import proven, settings

APP = parse_repo("acme/app")
BOTH = '{"acme": "7", "acme/app": "8"}'
QUESTION = IdsQuestion(EnrolledIds(APP, "7", "8"))


def asked(ids: str = BOTH, facts: Facts | None = None, *, minting: bool = False, **more: Any) -> Any:
    changes = {name: more.pop(name) for name in list(more) if name.isupper()}
    repos = tuple(RepoName(name) for name in more.pop("repos", ()))
    request = TokenRequest(Role("coder"), repos, **more)
    policy = settings(ENROLLED_IDS=ids, **changes).policy
    return decide(policy, proven("gitlab"), request, facts or Facts(), minting=minting)


def ids_of(decision: Any) -> Any:
    return next(rule for rule in decision.rules if rule.name == "ids")


@pytest.mark.parametrize(
    ("ids", "more", "compared"),
    [
        (BOTH, {}, EnrolledIds(APP, "7", "8")),
        (BOTH, {"repos": ("App", ".fullsend")}, EnrolledIds(APP, "7", "8")),
        ('{"acme/app": "8"}', {"ALLOWED_ORGS": "o", "PER_REPO_WIF_REPOS": "acme/app"}, EnrolledIds(APP, "", "8")),
        ('{"acme": "7"}', {"repos": (".fullsend",)}, EnrolledIds(APP, "7", "")),
        ('{"other": "7"}', {}, None),
    ],
)
def test_a_mint_compares_the_ids_with_the_token(ids: str, more: Any, compared: EnrolledIds | None) -> None:
    decision = asked(ids, minting=True, **more)
    assert (decision.question, decision.granted().ids) == (None, compared)


@pytest.mark.parametrize(
    "more",
    [
        {"repos": (".fullsend",)},
        {"repos": ("lib",), "REPO_SCOPE": "organization"},
        {"everything": True, "REPO_SCOPE": "organization"},
        {"target_org": Org("other"), "repos": ("app",), "GRANTS": "1"},
        {"REPORT_ONLY": "ids"},
    ],
    ids=str,
)
def test_what_the_answers_of_a_mint_do_not_tell_is_asked_beforehand(more: dict[str, Any]) -> None:
    decision = asked(minting=True, **more)
    assert (decision.question, decision.entitlement.ids) == (QUESTION, None)
    with pytest.raises(ValueError, match="still open"):
        decision.granted()


@pytest.mark.parametrize(
    ("now", "wrong"),
    [(Ids("7", "8"), ""), (Ids("7", "9"), "acme/app"), (Ids("9", ""), "acme")],
)
def test_another_id_is_denied_with_the_sentence_for_workflows(now: Ids, wrong: str) -> None:
    rule = ids_of(asked(facts=Facts(ids={QUESTION: now})))
    assert (rule.passed, rule.failure.code) == (not wrong, "org_not_allowed")
    assert not wrong or rule.remedy.startswith(f"The name {wrong} now belongs to a different account than")


def test_a_missing_id_is_denied_without_a_word_about_another_account() -> None:
    rule = ids_of(asked(facts=Facts(ids={QUESTION: Ids("7", "")})))
    assert (rule.passed, rule.failure.code) == (False, "org_not_allowed")
    assert rule.remedy.startswith("GitHub gives no id for acme/app, which this mint compares")


def test_a_result_that_no_one_has_looked_up_is_open_and_not_passed() -> None:
    rule = ids_of(asked())
    assert (rule.passed, rule.fields()["open"]) == (False, True)
    assert rule.found.startswith("not checked here")


def test_report_only_warns_and_the_token_is_of_whatever_account_has_the_name() -> None:
    decision = asked(facts=Facts(ids={QUESTION: Ids("9", "")}), REPORT_ONLY="ids", minting=True)
    assert (decision.would_deny, decision.granted().target.owner_id) == (("ids",), "")
    failed = asked(facts=Facts(unanswered={QUESTION: "github_unavailable"}), REPORT_ONLY="ids", minting=True)
    assert (failed.would_deny, failed.question) == (("ids",), None)
