"""Installations: how they are found, how long they are remembered, and what strangers cost."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox.faults import Fail
from mintcore.errors import (
    AppNotInstalled,
    GitHubRateLimited,
    GitHubUnavailable,
    Incident,
    InstallationSuspended,
)
from mintcore.github.installation_cache import INSTALLED_SECONDS, MAX_MISSES
from mintcore.github.installed_accounts import MAX_PAGES, PAGE
from mintcore.policy.decision import Target
from mintcore.policy.names import Org
from tests.mint_doubles import ManualHelpers
from tests.unit.github.octo_world import ORG, Octo

if TYPE_CHECKING:
    from mintcore.github.installations import GitHubTokens


def test_a_second_token_costs_one_call(octo: Octo) -> None:
    octo.install()
    tokens = octo.issuer()
    octo.issue(tokens=tokens)
    octo.github.traffic.clear()
    octo.issue(tokens=tokens)
    assert octo.github.traffic.count() == 1


def test_not_installed_is_said_with_the_place_to_install_it(octo: Octo) -> None:
    with pytest.raises(AppNotInstalled) as refused:
        octo.issue()
    assert "/installations/new" in refused.value.public or "from the App's page" in refused.value.public


def test_not_installed_is_remembered_for_fifteen_seconds(octo: Octo) -> None:
    tokens = octo.issuer()
    with pytest.raises(AppNotInstalled):
        octo.issue(tokens=tokens)
    octo.install()
    octo.clock.advance(14)
    with pytest.raises(AppNotInstalled):
        octo.issue(tokens=tokens)
    octo.clock.advance(1)
    octo.issue(tokens=tokens)


def test_asking_again_for_what_is_not_installed_costs_no_call(octo: Octo) -> None:
    tokens = octo.issuer()
    said = set()
    for _ in range(10):
        with pytest.raises(AppNotInstalled) as refused:
            octo.issue(tokens=tokens)
        said.add(refused.value.public)
    assert len(said) == 1
    assert octo.github.traffic.count() == 3


def test_many_who_find_an_app_reinstalled_look_it_up_once(octo: Octo) -> None:
    installation, tokens = octo.install(), octo.issuer()
    octo.issue(tokens=tokens)
    again = octo.github.reinstall(installation)
    octo.github.traffic.clear()
    with ThreadPoolExecutor(16) as pool:
        issued = list(pool.map(lambda _: octo.issue(tokens=tokens).installation_id, range(16)))
    assert issued == [again.id] * 16
    assert octo.github.traffic.count(path_prefix="/orgs/") == 1


def test_a_reinstalled_app_is_found_in_the_same_request(octo: Octo) -> None:
    installation, tokens = octo.install(), octo.issuer()
    octo.issue(tokens=tokens)
    again = octo.github.reinstall(installation)
    assert octo.issue(tokens=tokens).installation_id == again.id


def test_an_uninstalled_app_is_said_at_once(octo: Octo) -> None:
    installation, tokens = octo.install(), octo.issuer()
    octo.issue(tokens=tokens)
    octo.github.uninstall(installation)
    with pytest.raises(AppNotInstalled):
        octo.issue(tokens=tokens)


def test_a_suspension_is_said_at_once_and_ends_within_fifteen_seconds(octo: Octo) -> None:
    installation, tokens = octo.install(), octo.issuer()
    octo.issue(tokens=tokens)
    octo.github.suspend(installation)
    with pytest.raises(InstallationSuspended):
        octo.issue(tokens=tokens)
    with pytest.raises(InstallationSuspended):
        octo.issue(tokens=tokens)
    octo.github.unsuspend(installation)
    octo.clock.advance(15)
    octo.issue(tokens=tokens)


def owner_of(octo: Octo) -> Target:
    return Target(ORG, octo.owner_id)


def test_an_installation_with_a_proven_owner_is_looked_up_every_six_hours_and_behind_the_request(
    octo: Octo,
) -> None:
    octo.install()
    helpers = ManualHelpers()
    tokens = octo.issuer(helpers)
    octo.issue(tokens=tokens, target=owner_of(octo))
    octo.clock.advance(INSTALLED_SECONDS - 1)
    octo.issue(tokens=tokens, target=owner_of(octo))
    assert (octo.github.traffic.count(path_prefix="/orgs/"), helpers.waiting) == (1, [])
    octo.clock.advance(1)
    octo.issue(tokens=tokens, target=owner_of(octo))
    assert (octo.github.traffic.count(path_prefix="/orgs/"), len(helpers.waiting)) == (1, 1)
    helpers.run()
    assert octo.github.traffic.count(path_prefix="/orgs/") == 2
    octo.issue(tokens=tokens, target=owner_of(octo))
    assert helpers.waiting == []


def test_an_installation_older_than_a_day_is_not_served(octo: Octo) -> None:
    octo.install()
    helpers = ManualHelpers()
    tokens = octo.issuer(helpers)
    octo.issue(tokens=tokens, target=owner_of(octo))
    octo.clock.advance(24 * 3600)
    octo.issue(tokens=tokens, target=owner_of(octo))
    assert (octo.github.traffic.count(path_prefix="/orgs/"), helpers.waiting) == (2, [])


def test_a_renamed_organizations_installation_never_serves_the_names_next_owner(octo: Octo) -> None:
    octo.install()
    tokens = octo.issuer()
    octo.issue(tokens=tokens, target=owner_of(octo))
    with pytest.raises(Incident):
        octo.issue(tokens=tokens, target=Target(ORG, "999999"))


def test_an_old_installation_that_is_gone_is_found_again_within_the_request(octo: Octo) -> None:
    installation, tokens = octo.install(), octo.issuer(ManualHelpers())
    octo.issue(tokens=tokens, target=owner_of(octo))
    octo.clock.advance(INSTALLED_SECONDS + 60)
    again = octo.github.reinstall(installation)
    assert octo.issue(tokens=tokens, target=owner_of(octo)).installation_id == again.id


def test_organizations_without_the_app_cost_a_bounded_number_of_calls_a_minute(octo: Octo) -> None:
    octo.install()
    tokens = octo.issuer()
    octo.issue(tokens=tokens)
    octo.github.traffic.clear()
    strangers(octo, tokens, MAX_MISSES + 20)
    # Two for each look-up, the App's page, and the list of the installations.
    assert octo.github.traffic.count() == 2 * MAX_MISSES + 2


def strangers(octo: Octo, tokens: GitHubTokens, count: int) -> None:
    """Ask for organizations that do not have the App."""
    for number in range(count):
        with pytest.raises(AppNotInstalled, match=f"is not installed on stranger-{number}"):
            octo.issue(tokens=tokens, target=Target(Org(f"stranger-{number}")))


def test_strangers_do_not_delay_an_organization_that_has_the_app_and_was_never_looked_up(octo: Octo) -> None:
    octo.install()
    for name in ("first-org", "Second-Org"):
        octo.github.create_org(name)
        octo.install(name)
    octo.github.create_user("somebody")
    octo.install("somebody")
    tokens = octo.issuer()
    strangers(octo, tokens, MAX_MISSES + 5)
    for name in ("first-org", "second-org", "octo-org", "Somebody"):
        assert octo.issue(tokens=tokens, target=Target(Org(name))).installation_id
    assert octo.github.traffic.count(path_prefix="/app/installations?") <= 1


def test_an_app_that_is_installed_while_strangers_ask_is_seen_within_a_minute(octo: Octo) -> None:
    octo.install()
    tokens = octo.issuer()
    strangers(octo, tokens, MAX_MISSES + 1)
    octo.github.create_org("late-org")
    octo.install("late-org")
    octo.clock.advance(60)
    octo.issue(tokens=tokens, target=Target(Org("late-org")))


def test_a_list_of_more_than_one_page_is_read_to_its_end(octo: Octo) -> None:
    for number in range(PAGE + 1):
        octo.github.create_org(f"fleet-{number}")
        octo.install(f"fleet-{number}")
    tokens = octo.issuer()
    strangers(octo, tokens, MAX_MISSES)
    for number in (0, PAGE - 1, PAGE):
        octo.issue(tokens=tokens, target=Target(Org(f"fleet-{number}")))


@pytest.mark.parametrize(
    "fault",
    [Fail(500, "{}"), Fail(200, "{}"), Fail(200, "[1]"), Fail(200, "null"), Fail(200, "[" * 9999)],
)
def test_an_unreadable_list_denies_every_caller(octo: Octo, fault: Fail) -> None:
    octo.install()
    tokens = octo.issuer()
    strangers(octo, tokens, MAX_MISSES)
    octo.github.faults.add(fault)
    with pytest.raises(GitHubUnavailable):
        octo.issue(tokens=tokens)


def test_an_enterprise_and_a_deleted_account_in_the_list_are_skipped(octo: Octo) -> None:
    octo.install()
    listed = [{"account": None}, {}, {"account": {"slug": "corp"}}, {"account": {"login": "Octo-Org"}}]
    tokens = octo.issuer()
    strangers(octo, tokens, MAX_MISSES)
    octo.github.faults.add(Fail(200, json.dumps(listed)), times=1)
    assert octo.issue(tokens=tokens).installation_id


def test_a_list_that_is_too_long_to_read_leaves_the_bound_alone(octo: Octo) -> None:
    full = json.dumps([{"account": {"login": f"one-{number}"}} for number in range(PAGE)])
    tokens = octo.issuer()
    strangers(octo, tokens, MAX_MISSES)
    octo.github.traffic.clear()
    octo.github.faults.add(Fail(200, full))
    for _ in range(3):
        with pytest.raises(GitHubRateLimited) as refused:
            octo.issue(tokens=tokens, target=Target(Org("another")))
    assert (refused.value.retry_after, octo.github.traffic.count()) == (60, MAX_PAGES)


def test_organizations_with_the_app_do_not_count_as_misses(octo: Octo) -> None:
    tokens = octo.issuer()
    for number in range(MAX_MISSES + 5):
        octo.github.create_org(f"fleet-{number}")
        octo.install(f"fleet-{number}")
        octo.issue(tokens=tokens, target=Target(Org(f"fleet-{number}")))


@pytest.mark.parametrize(("seconds", "looked_up"), [(599, 1), (600, 2)])
def test_an_installation_known_by_name_only_is_looked_up_every_ten_minutes(
    octo: Octo, seconds: float, looked_up: int
) -> None:
    octo.install()
    tokens = octo.issuer()
    octo.issue(tokens=tokens)
    octo.clock.advance(seconds)
    octo.issue(tokens=tokens)
    assert octo.github.traffic.count() == 2 + looked_up
