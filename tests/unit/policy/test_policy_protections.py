from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mintcore.policy.decision import CommitQuestion, Facts, GrantQuestion
from mintcore.policy.grants import grants_to, variable_name
from mintcore.policy.levels import check_levels, missing_access, two_levels
from mintcore.policy.names import Org, RepoName, Role, parse_repo
from mintcore.policy.ref_patterns import check_pattern, ref_patterns
from mintcore.policy.spelling import closest_name
from mintcore.policy.token_request import FIELDS, TokenRequest
from mintcore.policy.trust import decide, workflow_allowed
from tests.mint_doubles import caller, policy

CODER = Role("coder")
FLOW = "fullsend-ai/fullsend/.github/workflows/triage.yml"
MAIN = f"{FLOW}@refs/heads/main"
SHA = "a" * 40


def asked(*repos: str, **more: Any) -> TokenRequest:
    return TokenRequest(CODER, tuple(RepoName(name) for name in repos), **more)


@pytest.mark.parametrize(
    ("name", "known"),
    [("repo", "repos"), ("reops", "repos"), ("repoz", "repos"), ("Repos", "repos"), ("REPOS", "repos"),
     ("rolle", "role"), ("target-org", "target_org"), ("targetorg", "target_org"), ("permission", "permissions"),
     ("levels", "level"), ("lvel", "level"), ("repository", ""), ("x", ""), ("", ""), ("ref", "")],
)  # fmt: skip
def test_a_name_one_letter_away_is_meant(name: str, known: str) -> None:
    assert closest_name(name, FIELDS) == known


@given(st.text(max_size=12), st.sampled_from(FIELDS))
@example("repos", "repos")
def test_meaning_a_name_never_fails_and_never_means_itself(name: str, known: str) -> None:
    assert closest_name(name, [known]) in {"", known}
    assert closest_name(known, [known]) == ""


@pytest.mark.parametrize(
    ("value", "granted"),
    [("octo-org/app", True), ("OCTO-org/APP", True), (" octo-org/app ,x", True), ("x,octo-org", True),
     ("octo-org/appx", False), ("octo-org/ap", False), ("octo-org/app/", False), ("/octo-org/app", False),
     ("octo-org/*", False), ("*", False), ("", False), (",,", False), ("octo-orgg", False), ("app", False),
     ("octo-org app", False), ("octo-org/app\nx", False), ("\u043ecto-org", False), ("octo\u2010org", False),
     ("https://github.com/octo-org/app", False), ("octo-org/app@main", False)],
)  # fmt: skip
def test_a_grant_names_the_caller_or_its_owner_exactly(value: str, granted: bool) -> None:
    assert grants_to(value, parse_repo("octo-org/app")) is granted


@given(st.text())
def test_a_grant_of_any_text_is_an_answer(value: str) -> None:
    listed = {entry.strip().lower() for entry in value.split(",")}
    assert grants_to(value, parse_repo("octo-org/app")) is bool(listed & {"octo-org", "octo-org/app"})


def test_a_grants_variable_is_named_for_the_role() -> None:
    assert variable_name(Role("my-role_x")) == "FULLSEND_FOREIGN_MY_ROLE_X_REPOS"


@given(st.text() | st.from_regex(r"refs/(heads|tags)/[a-z*/.]{0,8}", fullmatch=True))
def test_a_pattern_is_one_that_git_can_hold_or_is_refused(text: str) -> None:
    try:
        pattern = check_pattern(text)
    except ValueError:
        return
    assert pattern == "commits" or pattern.startswith(("refs/heads/", "refs/tags/"))
    assert "*" not in pattern[:-1]


@pytest.mark.parametrize(
    ("patterns", "ref", "matches"),
    [(["refs/heads/main"], "refs/heads/main", True), (["refs/heads/main"], "refs/heads/main/x", False),
     (["refs/heads/main"], "refs/heads/Main", False), (["refs/tags/v*"], "refs/tags/v1/x", True),
     (["refs/tags/v*"], "refs/tags/v", True), (["refs/tags/v*"], "refs/heads/v1", False),
     (["refs/heads/*"], SHA, False), (["refs/heads/main", "commits"], SHA, False)],
)  # fmt: skip
def test_a_ref_matches_a_pattern(patterns: list[str], ref: str, matches: bool) -> None:
    assert ref_patterns(patterns).match(ref) is matches


def test_each_level_contains_the_one_before() -> None:
    with pytest.raises(ValueError, match='the level "b" must contain the level "a", and lacks issues:write'):
        check_levels({"a": {"issues": "write"}, "b": {"issues": "read", "contents": "admin"}})


def test_the_level_read_lowers_every_permission() -> None:
    levels = two_levels({"contents": "write", "administration": "admin", "metadata": "read", "workflows": "write"})
    assert dict(levels["read"]) == dict.fromkeys(levels["write"], "read")
    assert missing_access(levels["read"], levels["write"]) == ()


def scoped(**more: Any) -> Any:
    return policy(scopes=MappingProxyType({CODER: "caller"}), **more)


def test_grants_are_asked_one_by_one_until_one_refuses() -> None:
    given_policy, request = scoped(grants=True), asked("x", "y", "z", target_org=Org("other"))
    questions = [GrantQuestion(parse_repo(f"other/{name}"), "FULLSEND_FOREIGN_CODER_REPOS") for name in "xyz"]
    first = decide(given_policy, caller(), request)
    assert (first.question, first.denial, first.allowed) == (questions[0], None, False)
    second = decide(given_policy, caller(), request, Facts(grants={questions[0]: "octo-org"}))
    assert second.question == questions[1]
    refused = decide(given_policy, caller(), request, Facts(grants={questions[0]: "octo-org", questions[1]: "x"}))
    assert (refused.question, refused.denial is not None) == (None, True)
    granted = decide(given_policy, caller(), request, Facts(grants=dict.fromkeys(questions, "octo-org/app")))
    assert (str(granted.granted().target.org), granted.granted().target.owner_id) == ("other", "")


def test_a_caller_is_not_told_to_grant_itself() -> None:
    own = GrantQuestion(parse_repo("octo-org/app"), "FULLSEND_FOREIGN_CODER_REPOS")
    decision = decide(scoped(grants=True), caller(), asked("app", "payroll"), Facts(grants={own: ""}))
    assert decision.denial is not None
    assert "request the other repositories in a separate request" in decision.denial.remedy
    assert "variable" not in decision.denial.remedy


def test_no_question_is_asked_while_another_rule_denies() -> None:
    refs = ref_patterns(["refs/heads/main", "commits"])
    given_policy = scoped(grants=True, workflow_refs=refs, required_claims={"event_name": ("push",)})
    decision = decide(given_policy, caller(f"{FLOW}@{SHA}"), asked("x", target_org=Org("other")))
    assert sum(rule.question is not None for rule in decision.rules) == 2
    assert decision.question is None
    assert decision.denial is not None
    assert decision.denial.name == "claims"


def test_an_open_decision_entitles_to_nothing() -> None:
    decision = decide(scoped(grants=True), caller(), asked("x"))
    decision.require()
    with pytest.raises(ValueError, match="still open"):
        decision.granted()


def test_a_commit_is_asked_about_in_lowercase_with_the_exact_refs() -> None:
    refs = ref_patterns(["refs/heads/main", "refs/tags/v*", "commits"])
    question = decide(policy(workflow_refs=refs), caller(f"{FLOW}@{'A' * 40}"), asked()).question
    assert question == CommitQuestion(parse_repo("fullsend-ai/fullsend"), SHA, ("refs/heads/main",))
    assert workflow_allowed(policy(workflow_refs=refs), caller(f"{FLOW}@{SHA}"))
    for contained in (True, False):
        facts = Facts(commits={question: contained})
        assert decide(policy(workflow_refs=refs), caller(f"{FLOW}@{'A' * 40}"), asked(), facts).allowed is contained


def test_refs_of_the_callers_own_workflows_are_not_checked() -> None:
    refs = ref_patterns(["refs/heads/main"])
    assert decide(policy(workflow_refs=refs), caller(), asked()).allowed
    own = "octo-org/.fullsend/.github/workflows/triage.yml@refs/heads/any"
    assert decide(policy(workflow_refs=refs), caller(own), asked()).allowed
    assert not decide(policy(workflow_refs=refs), caller(f"{FLOW}@refs/heads/any"), asked()).allowed


def test_every_rule_that_only_reports_is_named_and_warned_of() -> None:
    given_policy = scoped(
        required_claims={"event_name": ("push",)}, enrolled_orgs={Org("octo-org"): "1"},
        workflow_refs=ref_patterns(["refs/heads/x"]),
        report_only=frozenset({"repo_scope", "claims", "ids", "workflow_refs"}),
    )  # fmt: skip
    decision = decide(given_policy, caller(MAIN), asked("docs"))
    assert decision.allowed
    assert decision.would_deny == ("claims", "ids", "workflow_refs", "repo_scope")
    assert [warning.split()[2] for warning in decision.warnings] == list(decision.would_deny)
    assert decision.granted().repos == ("docs",)


@pytest.mark.parametrize("rule", ["repo_scope", "claims", "ids", "workflow_refs"])
def test_a_rule_that_only_reports_leaves_the_others_in_force(rule: str) -> None:
    given_policy = scoped(
        required_claims={"event_name": ("push",)}, enrolled_orgs={Org("octo-org"): "1"},
        workflow_refs=ref_patterns(["refs/heads/x"]), report_only=frozenset({rule}),
    )  # fmt: skip
    decision = decide(given_policy, caller(MAIN), asked("docs"))
    assert decision.would_deny == (rule,)
    assert not decision.allowed


def test_a_denied_caller_learns_of_no_target_but_the_one_it_asked_for() -> None:
    decision = decide(scoped(per_repo=["secret-org/x"]), caller(), asked("x", target_org=Org("other")))
    assert "secret-org" not in str([rule.fields() for rule in decision.rules])
