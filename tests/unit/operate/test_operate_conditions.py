from __future__ import annotations

import pytest

from fullsend.operate.model.conditions import MAX_LENGTH, PUBLIC, Condition, for_orgs, parse, required_of, same
from fullsend.operate.operate_errors import BadInput
from mintcore.policy.names import Org, parse_repo

REPO = "assertion.repository == 'O/R'"
ONE = "assertion.repository_owner == 'o'"


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (for_orgs([Org("o")]), "assertion.repository_owner == 'o'"),
        (for_orgs([Org("b"), Org("a")]), "assertion.repository_owner in ['a', 'b']"),
        (Condition(repo=parse_repo("O/R")), "assertion.repository == 'O/R'"),
        (Condition(public=True), "assertion.repository_owner != ''"),
        (for_orgs([]), "assertion.repository_owner == ''"),
        (
            Condition(orgs=(Org("a"), Org("b")), ids=frozenset({"11", "2"})),
            "assertion.repository_owner in ['a', 'b'] && assertion.repository_owner_id in ['2', '11']",
        ),
        (
            Condition(repo=parse_repo("O/R"), ids=frozenset({"7"}), repo_id="8"),
            f"{REPO} && assertion.repository_owner_id in ['7'] && assertion.repository_id == '8'",
        ),
        (
            Condition(public=True, required=required_of({"event_name": ("push", "workflow_*")})),
            f"{PUBLIC} && (assertion.event_name in ['push'] || assertion.event_name.startsWith('workflow_'))",
        ),
        (
            Condition(orgs=(Org("o"),), required=required_of({"ref": ("refs/tags/*",), "environment": ("prod",)})),
            f"{ONE} && (assertion.environment in ['prod']) && (assertion.ref.startsWith('refs/tags/'))",
        ),
    ],
)
def test_a_condition_is_written_as_google_reads_it_and_read_back(condition: Condition, text: str) -> None:
    assert condition.cel() == text
    assert parse(text) == condition


def test_the_case_of_a_name_is_kept() -> None:
    found = parse("assertion.repository_owner in ['My-Org','other']")
    assert found is not None
    assert found.spelled() == {"My-Org", "other"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "true",
        "assertion.repository_owner == 'a' || true",
        "assertion.repository_owner == 'a' && assertion.ref == 'refs/heads/main'",
        'assertion.repository_owner == "a"',
        "assertion.repository_owner in ['a', 'b'] || assertion.actor == 'x'",
        "assertion.repository == 'no-slash'",
        "attribute.repository_owner == 'a'",
        "assertion.repository_owner == 'a' && assertion.repository_owner_id in ['x']",
        "assertion.repository_owner == 'a' && (assertion.a in ['x'] || assertion.b.startsWith('y'))",
        "assertion.repository_owner == 'a' && (assertion.a in ['x'] || true)",
        "assertion.repository_owner == 'a' && ()",
    ],
)
def test_a_condition_in_other_words_is_not_guessed(text: str) -> None:
    assert parse(text) is None


def test_a_condition_over_googles_limit_is_refused_with_the_limit() -> None:
    with pytest.raises(BadInput, match=str(MAX_LENGTH)):
        for_orgs([Org(f"an-organization-{number}") for number in range(300)]).cel()


@pytest.mark.parametrize("value", ["it's", "a\\\\", "a\nb", "a && b", "x || y"])
def test_a_value_that_could_leave_its_quotes_is_refused(value: str) -> None:
    with pytest.raises(BadInput, match="cannot be a value of the claim"):
        required_of({"environment": (value,)})


@pytest.mark.parametrize("name", ["", "Event", "a.b", "a-b", "x) || (true"])
def test_a_name_that_is_not_a_claims_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="is not a claim's name"):
        required_of({name: ("x",)})


def test_two_orders_of_the_same_values_are_the_same_condition() -> None:
    one = "assertion.repository_owner in ['a', 'b'] && (assertion.event_name in ['push', 'schedule'])"
    other = "assertion.repository_owner in ['b', 'a'] && (assertion.event_name in ['schedule', 'push'])"
    assert same(one, other)
    assert not same(one, other.replace("'b'", "'B'"))
    assert not same(one, "assertion.repository_owner in ['a', 'b']")
