"""The trace has every check in the mint's order, and always the mint's own result."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullsend.explain.checks import Explanation, Outcome
from fullsend.explain.claims_file import GivenClaims
from fullsend.explain.configuration import configured
from fullsend.explain.trace import explain
from mintcore.errors import InvalidToken
from mintcore.policy.claims import REQUIRED_CLAIMS, check_claims
from tests.mint_doubles import AUDIENCE, ISSUER, NOW, claims
from tests.unit.explain.explained_mint import ENVIRONMENT, MINT, checks


def with_fullsend(**further: Any) -> Explanation:
    mint = configured(ENVIRONMENT | {"ROLE_APP_IDS": '{"fullsend": "1"}'}, "F")
    return explain(GivenClaims(claims()), "fullsend", (), mint, now=NOW, further=further)


def test_a_permission_that_github_does_not_have_is_named_and_not_promised() -> None:
    result = with_fullsend(level="read")
    (named,) = [check for check in result.checks if check.name == "github access"]
    assert (result.refusal, "workflows:read" in named.found) == (None, True)
    assert result.grant is not None
    assert set(result.grant.permissions) - set(result.permissions) == {"workflows"}


def test_a_request_for_nothing_else_would_be_refused_as_the_mint_refuses_it() -> None:
    result = with_fullsend(permissions={"workflows": "read"})
    assert result.refusal is not None
    assert (result.refusal.status, result.refusal.code) == (422, "permissions_not_granted")
    assert "request workflows:write" in result.refusal.change
    assert result.permissions == {}


def test_every_check_is_listed_in_the_mints_order() -> None:
    assert list(checks()) == [
        "request", "token", "issuer", "audience", "times", "caller", "signature",
        "org", "workflow_repo", "workflow_file", "role", "level", "permissions", "claims", "ids", "workflow_refs",
        "repo_scope", "sts", "key and installation",
    ]  # fmt: skip


def test_nothing_offline_counts_as_checked_that_needs_the_network() -> None:
    named = {name for name, check in checks().items() if check.outcome is Outcome.NOT_CHECKED}
    assert named == {"token", "signature", "sts", "key and installation"}


@pytest.mark.parametrize(
    ("changes", "name", "code"),
    [
        ({"iss": "https://other.test"}, "issuer", "invalid_token"),
        ({"aud": "other"}, "audience", "invalid_token"),
        ({"exp": NOW - 100}, "times", "invalid_token"),
        ({"iat": NOW + 100}, "times", "invalid_token"),
        ({"repository": "other/app"}, "caller", "invalid_token"),
        ({"repository": "third/app", "repository_owner": "third"}, "org", "org_not_allowed"),
        ({"job_workflow_ref": "x"}, "workflow_ref", "workflow_not_allowed"),
        ({"job_workflow_ref": "evil/x/.github/workflows/triage.yml@refs/heads/a"}, "workflow_repo",
         "workflow_not_allowed"),
        ({"role": "nobody"}, "role", "role_not_allowed"),
        ({"role": "No"}, "request", "invalid_role"),
        ({"repos": ("a/b",)}, "request", "invalid_repos"),
    ],
)  # fmt: skip
def test_a_check_that_fails_has_the_servers_code_and_what_to_change(
    changes: dict[str, Any], name: str, code: str
) -> None:
    check = checks(**changes)[name]
    assert (check.outcome, check.code) == (Outcome.FAILED, code)
    assert check.change.endswith(".")


def test_a_caller_whose_times_are_past_is_told_so_and_policy_is_still_shown() -> None:
    found = checks(exp=NOW - 3000, job_workflow_ref="octo-org/app/.github/workflows/x.yml@refs/heads/main")
    assert "expired 3000 s ago" in found["times"].found
    assert found["workflow_repo"].outcome is Outcome.FAILED
    assert found["org"].outcome is Outcome.PASSED


def test_a_reader_of_the_configuration_sees_what_it_lists() -> None:
    assert "octo-org, second-org" in checks()["org"].expected
    assert "triage.yml" in checks()["workflow_file"].expected


ODD = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text())


@given(st.dictionaries(st.sampled_from(REQUIRED_CLAIMS), ODD, max_size=3))
def test_the_claims_pass_here_exactly_when_the_mint_lets_them_pass(changes: dict[str, Any]) -> None:
    given_claims = claims() | changes
    result = explain(GivenClaims(given_claims), "coder", (), MINT, now=NOW)
    failed = any(
        check.outcome is Outcome.FAILED
        for check in result.checks
        if check.name in {"issuer", "audience", "times", "caller"}
    )
    try:
        check_claims(given_claims, issuer=ISSUER, audience=AUDIENCE, now=NOW)
    except InvalidToken:
        assert failed
    else:
        assert not failed
