"""GitHub's limit of an App: what the headers say, and when too little is left."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fullsend.github.apps import AppFacts
from fullsend.github.quota import Quota, quota_of
from fullsend.operate.doctor.finding import AppReport, Snapshot
from fullsend.operate.doctor.quota_checks import quotas, quotas_of
from mintcore.policy.names import Role
from tests.unit.operate.plan_values import running

HEADERS = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "4987", "x-ratelimit-reset": "1790000000"}


def facts(slug: str, quota: Quota | None) -> AppReport:
    return AppReport(AppFacts("1", slug, "", {}, quota=quota))


def test_the_headers_of_an_answer_name_the_quota() -> None:
    quota = quota_of(HEADERS)
    assert quota == Quota(5000, 4987, 1790000000)
    assert quota.ends == "14:13 UTC"


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize("value", ["", "-1", "1.5", "five", "\u0664", "1" * 11, " 1"])
def test_headers_that_no_github_sends_name_none(name: str, value: str) -> None:
    assert quota_of(HEADERS | {name: value}) is None


def test_a_server_without_limits_names_none() -> None:
    assert quota_of({}) is None


@given(st.dictionaries(st.sampled_from(sorted(HEADERS)), st.text()))
@example(HEADERS | {"x-ratelimit-remaining": "5001"})
@example(HEADERS | {"x-ratelimit-reset": "9999999999"})
def test_any_headers_name_a_quota_that_can_be_shown_or_none(headers: dict[str, str]) -> None:
    quota = quota_of(headers)
    assert quota is None or (quota.remaining <= quota.limit and quota.ends.endswith(" UTC"))


@pytest.mark.parametrize(("remaining", "found"), [(500, []), (499, ["app_quota_low"]), (0, ["app_quota_low"])])
def test_less_than_a_tenth_is_a_problem(remaining: int, found: list[str]) -> None:
    snapshot = Snapshot(running({}), apps={Role("triage"): facts("octo", Quota(5000, remaining, 1790000000))})
    assert [finding.code for finding in quotas(snapshot)] == found


def test_an_app_of_two_roles_is_listed_once_and_one_without_a_limit_not_at_all() -> None:
    quota = Quota(5000, 10, 1790000000)
    shared, unlimited = facts("octo", quota), facts("other", None)
    apps = {Role("coder"): shared, Role("review"): shared, Role("triage"): unlimited, Role("retro"): AppReport()}
    snapshot = Snapshot(running({}), apps=apps)
    assert quotas_of(snapshot) == {"octo": quota}
    assert len(list(quotas(snapshot))) == 1
