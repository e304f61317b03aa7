from __future__ import annotations

import pytest

from fullsend.operate.model.conditions import MAX_LENGTH, Condition, for_orgs, parse
from fullsend.operate.operate_errors import BadInput
from mintcore.policy.names import Org, parse_repo


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (for_orgs([Org("o")]), "assertion.repository_owner == 'o'"),
        (for_orgs([Org("b"), Org("a")]), "assertion.repository_owner in ['a', 'b']"),
        (Condition(repo=parse_repo("O/R")), "assertion.repository == 'O/R'"),
        (Condition(public=True), "assertion.repository_owner != ''"),
        (for_orgs([]), "assertion.repository_owner == ''"),
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
    ],
)
def test_a_condition_in_other_words_is_not_guessed(text: str) -> None:
    assert parse(text) is None


def test_a_condition_over_googles_limit_is_refused_with_the_limit() -> None:
    with pytest.raises(BadInput, match=str(MAX_LENGTH)):
        for_orgs([Org(f"an-organization-{number}") for number in range(300)]).cel()
