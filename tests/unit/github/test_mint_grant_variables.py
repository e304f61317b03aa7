from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullsend_sandbox.faults import Drop, Fail, Garbage
from mintcore.errors import (
    GitHubRateLimited,
    GitHubRefused,
    GitHubUnavailable,
    MintError,
    PermissionsNotGranted,
    UpstreamTimeout,
)
from mintcore.github.grant_variables import _value
from mintcore.outbound.answer import Answer
from tests.mint_doubles import new_attempt
from tests.unit.github.lookup_world import PERMISSIONS, VARIABLE, LookupWorld

LIBRARY = "target-org/library"
ONE = f"/repos/target-org/library/actions/variables/{VARIABLE}"


def test_a_repositorys_variable_is_read_with_a_token_for_nothing_else(world: LookupWorld) -> None:
    world.put(LIBRARY, "caller-org/tool")
    assert world.variable(LIBRARY) == "caller-org/tool"
    library = world.github.id_of(LIBRARY)
    assert world.made_tokens() == [
        ("target-org", {"actions_variables": "read", "metadata": "read"}, frozenset({library}))
    ]


def test_an_organizations_variable_is_read_with_a_token_for_nothing_else(world: LookupWorld) -> None:
    world.put("target-org", "caller-org")
    assert world.variable("target-org") == "caller-org"
    permissions = {"organization_actions_variables": "read", "metadata": "read"}
    assert world.made_tokens() == [("target-org", permissions, None)]


def test_a_repository_is_not_granted_by_its_organization(world: LookupWorld) -> None:
    world.put("target-org", "caller-org")
    assert world.variable(LIBRARY) == ""


@pytest.mark.parametrize("value", ["caller-org/tool", ""])
@pytest.mark.parametrize(("seconds", "read"), [(59.9, 1), (60.0, 2)])
def test_a_value_and_its_absence_are_kept_for_a_minute(
    world: LookupWorld, value: str, seconds: float, read: int
) -> None:
    if value:
        world.put(LIBRARY, value)
    assert world.variable(LIBRARY) == value
    per_read = world.github.traffic.count(path_prefix="/app/")
    world.clock.advance(seconds)
    assert world.variable(LIBRARY) == value
    assert world.github.traffic.count(path_prefix="/app/") == per_read * read


def test_a_withdrawn_grant_ends_within_a_minute(world: LookupWorld) -> None:
    world.put(LIBRARY, "caller-org/tool")
    world.variable(LIBRARY)
    world.put(LIBRARY, "other/tool")
    world.clock.advance(60)
    assert world.variable(LIBRARY) == "other/tool"


@pytest.mark.parametrize(
    "target", ["target-org/nothing", "target-org/private", "host-org/workflows", "host-org", "nobody/x", "nobody"]
)
def test_what_does_not_exist_what_is_out_of_reach_and_what_grants_nothing_are_one_answer(
    world: LookupWorld, target: str
) -> None:
    world.github.select_repositories(world.on_target, ["library"])
    assert world.variable(target) == ""
    calls = world.calls()
    assert world.variable(target) == ""
    assert world.calls() == calls


def test_a_suspended_app_reads_no_grants(world: LookupWorld) -> None:
    world.put(LIBRARY, "caller-org/tool")
    world.github.suspend(world.on_target)
    assert world.variable(LIBRARY) == ""


@pytest.mark.parametrize("target", [LIBRARY, "target-org/nothing", "target-org/private"])
def test_a_missing_permission_is_said_alike_for_every_repository_and_costs_one_lookup(
    world: LookupWorld, target: str
) -> None:
    world.github.change_permissions(world.installed, {"contents": "write"})
    said = set()
    for _ in range(5):
        with pytest.raises(PermissionsNotGranted, match="actions_variables:read on target-org") as refused:
            world.variable(target)
        said.add(refused.value.public.replace(target, "T"))
    assert len(said) == 1
    assert world.calls() == 2  # the installation, and once more whether the permission is accepted by now
    world.clock.advance(60)
    with pytest.raises(PermissionsNotGranted):
        world.variable(target)
    assert world.calls() == 3


def test_an_accepted_permission_is_seen_within_a_minute(world: LookupWorld) -> None:
    world.put(LIBRARY, "caller-org/tool")
    world.github.change_permissions(world.installed, {"contents": "write"})
    with pytest.raises(PermissionsNotGranted):
        world.variable(LIBRARY)
    world.github.change_permissions(world.installed, dict(PERMISSIONS))
    world.github.accept_permissions(world.on_target)
    world.clock.advance(60)
    assert world.variable(LIBRARY) == "caller-org/tool"


def test_a_missing_organization_permission_is_named(world: LookupWorld) -> None:
    world.github.change_permissions(world.installed, {"actions_variables": "read"})
    with pytest.raises(PermissionsNotGranted, match="organization_actions_variables:read on target-org"):
        world.variable("target-org")
    assert world.variable(LIBRARY) == ""


def test_a_renamed_repository_grants_nothing_under_its_old_name(world: LookupWorld) -> None:
    world.put(LIBRARY, "caller-org/tool")
    world.github.rename_repo(LIBRARY, "shelf")
    assert world.variable(LIBRARY) == ""
    assert world.variable("target-org/shelf") == "caller-org/tool"


def test_who_takes_a_name_over_does_not_take_its_grants_along(world: LookupWorld) -> None:
    world.put("target-org", "caller-org")
    world.github.rename_account("target-org", "moved-org")
    world.github.create_org("target-org")
    assert world.variable("target-org") == ""


def test_many_who_ask_at_once_cost_one_lookup(world: LookupWorld) -> None:
    world.put(LIBRARY, "caller-org/tool")
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: world.variable(LIBRARY), range(16)))
    assert found == ["caller-org/tool"] * 16
    assert world.github.traffic.count(path_prefix="/app/") == 1
    assert world.github.traffic.count(path_prefix="/repos/") == 1


def test_a_token_that_github_does_not_know_yet_is_tried_again(world: LookupWorld) -> None:
    world.put(LIBRARY, "caller-org/tool")
    world.github.not_usable_for(1.2)
    assert world.variable(LIBRARY) == "caller-org/tool"
    assert world.clock.sleeps == [0.5, 1.0]


def test_a_404_for_a_token_that_is_not_known_yet_is_not_an_empty_grant(world: LookupWorld) -> None:
    world.put(LIBRARY, "caller-org/tool")
    not_found = Fail(404, json.dumps({"message": "Not Found"}))
    world.github.faults.add(not_found, "/repos/target-org/library/actions/variables", times=2)
    assert world.variable(LIBRARY) == "caller-org/tool"


def test_a_token_that_github_never_accepts_is_github_trouble(world: LookupWorld) -> None:
    world.github.not_usable_for(3600)
    with pytest.raises(GitHubUnavailable):
        world.variable(LIBRARY)


def test_waiting_for_a_token_ends_with_the_requests_time(world: LookupWorld) -> None:
    world.github.not_usable_for(3600)
    with pytest.raises(UpstreamTimeout):
        world.variable(LIBRARY, new_attempt(world.clock, 2.0))


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (Fail(500, "{}"), GitHubUnavailable),
        (Drop(), GitHubUnavailable),
        (Garbage(), GitHubUnavailable),
        (Fail(404, "<html>"), GitHubUnavailable),
        (Fail(403, '{"message": "secondary rate limit"}', {"Retry-After": "7"}), GitHubRateLimited),
        (Fail(403, '{"message": "IP allow list"}'), GitHubRefused),
        (Fail(301, '{"message": "Moved Permanently"}', {"Location": "http://elsewhere/"}), GitHubRefused),
    ],
)
def test_trouble_is_github_trouble_and_is_not_kept(
    world: LookupWorld, fault: Any, failure: type[MintError]
) -> None:
    world.put(LIBRARY, "caller-org/tool")
    world.github.faults.add(fault, ONE)
    with pytest.raises(failure):
        world.variable(LIBRARY)
    world.github.faults.clear()
    assert world.variable(LIBRARY, caller="other-org") == "caller-org/tool"
    assert world.variable(LIBRARY) == "caller-org/tool"


def test_no_token_is_in_the_failure_or_the_log(world: LookupWorld, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world.github.faults.add(Fail(500, "{}"), ONE)
    with pytest.raises(GitHubUnavailable) as failed:
        world.variable(LIBRARY)
    sent = {each.headers["authorization"].removeprefix("Bearer ") for each in world.github.traffic}
    text = f"{failed.value} {failed.value.public} {failed.value.detail} {caplog.text}"
    assert len(sent) == 2
    assert not any(token in text for token in sent)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "value"]), inner),
)


@given(st.one_of(JSON.map(lambda value: json.dumps(value).encode()), st.binary(max_size=30)))
def test_any_answer_is_the_variables_value_or_github_trouble(body: bytes) -> None:
    try:
        found = _value(Answer(200, {}, body), VARIABLE)
    except GitHubUnavailable:
        return
    assert json.loads(body)["value"] == found


def test_the_answer_about_another_variable_is_not_a_grant() -> None:
    body = json.dumps({"name": "OTHER", "value": "caller-org"}).encode()
    with pytest.raises(GitHubUnavailable):
        _value(Answer(200, {}, body), VARIABLE)
    assert set(PERMISSIONS) == {"contents", "actions_variables", "organization_actions_variables"}
