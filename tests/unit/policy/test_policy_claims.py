from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from mintcore.errors import InvalidToken
from mintcore.policy.claims import REQUIRED_CLAIMS, SKEW_SECONDS, check_claims
from tests.mint_doubles import AUDIENCE, ISSUER, NOW, claims

if TYPE_CHECKING:
    from mintcore.policy.caller import WorkflowCaller

HUGE = 10**400
TIMES = ("exp", "nbf", "iat")
TEXTS = ("repository", "repository_owner", "job_workflow_ref")


def check(now: float = NOW, /, **changes: Any) -> WorkflowCaller:
    return check_claims(claims(**changes), issuer=ISSUER, audience=AUDIENCE, now=now)


def refusal(now: float = NOW, /, **changes: Any) -> str:
    with pytest.raises(InvalidToken) as refused:
        check(now, **changes)
    assert refused.value.public == InvalidToken.sentence
    return refused.value.detail


def test_the_required_claims_are_those_of_the_contract() -> None:
    assert set(REQUIRED_CLAIMS) == {
        "iss", "aud", "exp", "nbf", "iat", "repository", "repository_owner", "job_workflow_ref",
    }  # fmt: skip
    assert SKEW_SECONDS == 30


def test_complete_claims_say_who_is_calling() -> None:
    caller = check(actor="octocat", run_id="7", workflow_ref="x", repository_id="1", repository_owner_id="2")
    assert str(caller.repository) == "octo-org/app"
    assert str(caller.org) == "octo-org"
    assert str(caller.workflow) == claims()["job_workflow_ref"]
    assert (caller.run.actor, caller.run.run_id, caller.run.repository_id, caller.run.owner_id) == (
        "octocat", "7", "1", "2",
    )  # fmt: skip


@pytest.mark.parametrize("name", REQUIRED_CLAIMS)
def test_a_missing_claim_is_refused_by_name(name: str) -> None:
    assert refusal(**{name: None}) == f"claims are missing: {name}"


@pytest.mark.parametrize("name", REQUIRED_CLAIMS)
def test_an_empty_claim_counts_as_missing(name: str) -> None:
    assert refusal(**{name: ""}) == f"claims are missing: {name}"


def test_no_claims_at_all_are_refused() -> None:
    with pytest.raises(InvalidToken, match="claims are missing"):
        check_claims({}, issuer=ISSUER, audience=AUDIENCE, now=NOW)


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize(
    "value",
    [True, False, "1900000000", float("nan"), float("inf"), float("-inf"), HUGE, -HUGE, [1], {"a": 1}],
    ids=["true", "false", "text", "NaN", "Infinity", "-Infinity", "huge", "-huge", "list", "object"],
)
def test_an_invalid_time_is_refused(name: str, value: object) -> None:
    assert refusal(**{name: value}) == f"{name} is not a time"


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("value", [1, True, ["octo-org/app"], {"a": 1}, "a" * 1025])
def test_a_name_other_than_text_is_refused(name: str, value: object) -> None:
    assert refusal(**{name: value}).startswith(f"{name} is not a string")


@pytest.mark.parametrize(
    "value", [ISSUER + "/", ISSUER.upper(), "https://issuer.test.evil", " " + ISSUER, 1, True, [ISSUER], {}]
)
def test_another_issuer_is_refused(value: object) -> None:
    assert refusal(iss=value).startswith("issuer is ")


@pytest.mark.parametrize("value", [AUDIENCE, [AUDIENCE], ["other", AUDIENCE]])
def test_the_audience_may_be_a_string_or_a_list_that_names_us(value: object) -> None:
    assert check(aud=value).repository.name == "app"


@pytest.mark.parametrize(
    "value",
    ["other", AUDIENCE.upper(), f"{AUDIENCE} ", [], ["other"], [AUDIENCE, 1], [[AUDIENCE]], {AUDIENCE: 1}, 1, True],
)
def test_another_audience_is_refused(value: object) -> None:
    assert refusal(aud=value).startswith("audience is ")


@pytest.mark.parametrize(
    ("now", "fine"), [(NOW + 300 + 29.999, True), (NOW + 300 + 30, False), (NOW + 300 + 30.001, False)]
)
def test_a_token_ends_thirty_seconds_after_its_expiry(now: float, fine: bool) -> None:
    if fine:
        assert check(now).repository.name == "app"
    else:
        assert refusal(now).startswith("expired")


@pytest.mark.parametrize(("ahead", "fine"), [(0, True), (30, True), (30.001, False), (31, False)])
@pytest.mark.parametrize("name", ["nbf", "iat"])
def test_a_token_begins_thirty_seconds_before_its_time(name: str, ahead: float, fine: bool) -> None:
    changes = {name: NOW + ahead}
    if fine:
        assert check(**changes).repository.name == "app"
    else:
        assert refusal(**changes)


def test_times_may_be_fractions() -> None:
    assert check(exp=NOW + 0.5, iat=NOW - 0.5).repository.name == "app"


def test_the_repository_and_its_owner_are_compared_without_case() -> None:
    assert check(repository="Octo-Org/app", repository_owner="octo-ORG").repository.name == "app"


@pytest.mark.parametrize(
    ("repository", "owner"),
    [
        ("octo-org/app", "other-org"),
        ("octo-org/app", "octo"),
        ("octo-orgx/app", "octo-org"),
        ("octo-org", "octo-org"),
        ("octo-org/", "octo-org"),
        ("octo-org/app/x", "octo-org"),
        ("octo-org/..", "octo-org"),
        ("\u212araken/app", "\u212araken"),
        ("\u212araken/app", "kraken"),
        ("oc\u200bto/app", "oc\u200bto"),
    ],
)
def test_a_repository_that_is_not_of_its_owner_or_malformed_is_refused(repository: str, owner: str) -> None:
    assert "repository" in refusal(repository=repository, repository_owner=owner)


def test_an_invalid_workflow_reference_is_kept_for_policy_to_deny() -> None:
    caller = check(job_workflow_ref="nonsense")
    assert caller.workflow is None
    assert caller.workflow_text == "nonsense"
    assert "no '@'" in caller.workflow_problem


@pytest.mark.parametrize("value", [1, True, None, ["x"], {"a": "b"}])
def test_a_claim_for_the_log_other_than_text_is_left_empty(value: object) -> None:
    assert check(actor=value).run.actor == ""


def test_a_claim_for_the_log_is_cut_to_a_length_that_can_be_logged() -> None:
    assert len(check(actor="a" * 5000).run.actor) == 1024


def test_the_form_of_sub_is_not_looked_at() -> None:
    assert check(sub="anything at all").repository == check(sub=["even", "this"]).repository


def test_claims_nested_as_deep_as_json_allows_are_refused_and_not_a_crash() -> None:
    deep = json.loads("[" * 900 + "]" * 900)
    for name in REQUIRED_CLAIMS:
        refusal(**{name: deep})


def test_what_is_shown_of_a_strange_claim_is_bounded() -> None:
    assert len(refusal(iss="x" * 100_000)) < 300
