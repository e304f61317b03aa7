from __future__ import annotations

import pytest

from mintcore.verify.acceptances import MAX_UNUSED, Acceptances
from tests.mint_doubles import FakeClock, repo

APP, DOCS = repo("octo-org/app"), repo("octo-org/docs")


def test_nothing_overlaps_before_the_first_acceptance(clock: FakeClock) -> None:
    assert not Acceptances(clock).use("gh", APP)


def test_each_acceptance_allows_one_use(clock: FakeClock) -> None:
    kept = Acceptances(clock)
    kept.accepted("gh", APP)
    kept.accepted("gh", APP)
    assert [kept.use("gh", APP) for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(("seconds", "good"), [(599, True), (600, False)])
def test_an_acceptance_is_valid_for_ten_minutes(clock: FakeClock, seconds: float, good: bool) -> None:
    kept = Acceptances(clock)
    kept.accepted("gh", APP)
    clock.advance(seconds)
    assert kept.use("gh", APP) is good


def test_a_refusal_closes_until_the_next_acceptance(clock: FakeClock) -> None:
    kept = Acceptances(clock)
    for _ in range(3):
        kept.accepted("gh", APP)
    kept.refused("gh", APP)
    assert not kept.use("gh", APP)
    kept.accepted("gh", APP)
    assert [kept.use("gh", APP), kept.use("gh", APP)] == [True, False]


def test_repositories_and_providers_do_not_share_acceptances(clock: FakeClock) -> None:
    kept = Acceptances(clock)
    kept.accepted("gh", APP)
    assert not kept.use("gh", DOCS)
    assert not kept.use("gh-octo-org-app", APP)
    kept.refused("gh", DOCS)
    assert kept.use("gh", repo("Octo-Org/APP"))


def test_no_number_of_acceptances_allows_more_than_a_hundred_uses(clock: FakeClock) -> None:
    kept = Acceptances(clock)
    for _ in range(MAX_UNUSED + 50):
        kept.accepted("gh", APP)
    assert sum(kept.use("gh", APP) for _ in range(MAX_UNUSED + 50)) == MAX_UNUSED
