from __future__ import annotations

import base64
import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from fullsend_sandbox.github import TokenStyle
from tests.unit.sandbox.sandbox_github_octo import Octo, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

BAD_CREDENTIALS = (401, "Bad credentials")
NO_PERMISSION = (422, "The permissions requested are not granted to this installation.")
NO_REPOSITORY = (
    422,
    "There is at least one repository that does not exist or is not accessible to the parent installation.",
)
SUSPENDED = (403, "This installation has been suspended")


@pytest.fixture
def octo() -> Iterator[Octo]:
    with Octo() as octo:
        yield octo


@pytest.mark.parametrize("body", [{}, {"repositories": []}, {"repository_ids": []}, {"permissions": {}}])
def test_nothing_asked_for_means_the_whole_installation(octo: Octo, body: dict[str, Any]) -> None:
    created = octo.create_token(**body).json()
    assert created.pop("token").startswith("ghs_")
    assert created == {
        "expires_at": "2030-03-17T18:46:40Z",
        "permissions": {
            "contents": "write",
            "issues": "write",
            "metadata": "read",
            "pull_requests": "read",
        },
        "repository_selection": "all",
    }


def test_a_request_without_a_body_is_a_request_for_everything(octo: Octo) -> None:
    path = f"/app/installations/{octo.on_org.id}/access_tokens"
    assert octo.as_app("POST", path).status_code == 201


def test_a_token_has_the_permissions_asked_for_and_metadata(octo: Octo) -> None:
    created = octo.create_token(permissions={"contents": "read", "issues": "write"}).json()
    assert created["permissions"] == {"contents": "read", "issues": "write", "metadata": "read"}


def test_a_token_names_the_repositories_asked_for_once_each(octo: Octo) -> None:
    created = octo.create_token(repositories=["SECRET", "secret", "other"]).json()
    assert [each["full_name"] for each in created["repositories"]] == ["Octo-Org/secret", "Octo-Org/other"]
    assert created["repository_selection"] == "selected"


def test_repositories_may_be_given_by_id(octo: Octo) -> None:
    other = octo.create_token(repositories=["other"]).json()["repositories"][0]["id"]
    created = octo.create_token(repository_ids=[other], repositories=["secret"]).json()
    assert {each["name"] for each in created["repositories"]} == {"secret", "other"}


def test_a_selected_installation_says_so_in_its_tokens(octo: Octo) -> None:
    octo.service.select_repositories(octo.on_org, ["secret"])
    assert octo.create_token().json()["repository_selection"] == "selected"


@pytest.mark.parametrize(
    "repositories",
    [["nothing"], ["secret", "nothing"], ["Octo-Org/secret"], ["notes"], [""], ["secret "], ["\ud800"]],
)
def test_a_repository_the_installation_does_not_reach_is_refused(octo: Octo, repositories: list[str]) -> None:
    assert refusal(octo.create_token(repositories=repositories)) == NO_REPOSITORY


@pytest.mark.parametrize("number", [0, -1, 1, 10**30])
def test_a_repository_id_the_installation_does_not_reach_is_refused(octo: Octo, number: int) -> None:
    assert refusal(octo.create_token(repository_ids=[number])) == NO_REPOSITORY


def test_a_repository_outside_the_selection_is_refused(octo: Octo) -> None:
    octo.service.select_repositories(octo.on_org, ["secret"])
    assert refusal(octo.create_token(repositories=["other"])) == NO_REPOSITORY


@pytest.mark.parametrize(
    "permissions",
    [
        {"pull_requests": "write"},
        {"issues": "admin"},
        {"checks": "read"},
        {"contents": "read", "no_such": "read"},
        {"metadata": "write"},
    ],
)
def test_a_permission_the_installation_was_not_granted_is_refused(octo: Octo, permissions: dict[str, str]) -> None:
    assert refusal(octo.create_token(permissions=permissions)) == NO_PERMISSION


def test_what_the_account_did_not_accept_is_refused(octo: Octo) -> None:
    octo.service.create_org("careful")
    careful = octo.service.install_app(octo.app, "careful", permissions={"contents": "read"})
    assert refusal(octo.create_token(careful, permissions={"issues": "write"})) == NO_PERMISSION
    assert octo.create_token(careful).json()["permissions"] == {"contents": "read", "metadata": "read"}


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"repositories": "secret"}, "For 'properties/repositories', \"secret\" is not an array."),
        ({"repositories": None}, "For 'properties/repositories', nil is not an array."),
        ({"repositories": [1]}, "For 'properties/repositories/items', 1 is not a string."),
        ({"repository_ids": ["1"]}, "For 'properties/repository_ids/items', \"1\" is not an integer."),
        ({"repository_ids": [True]}, "For 'properties/repository_ids/items', true is not an integer."),
        ({"repository_ids": {}}, "For 'properties/repository_ids', {} is not an array."),
        ({"permissions": ["contents"]}, "For 'properties/permissions', [\"contents\"] is not an object."),
        ({"permissions": None}, "For 'properties/permissions', nil is not an object."),
    ],
)
def test_fields_of_the_wrong_type_are_refused(octo: Octo, body: dict[str, Any], detail: str) -> None:
    assert refusal(octo.create_token(**body)) == (422, f"Invalid request.\n\n{detail}")


@pytest.mark.parametrize(
    ("name", "missing", "other"),
    [
        ("workflows", "read", "write"),
        ("profile", "read", "write"),
        ("organization_events", "write", "read"),
        ("organization_plan", "write", "read"),
    ],
)
def test_an_access_that_the_schema_lacks_is_refused_as_a_whole(
    octo: Octo, name: str, missing: str, other: str
) -> None:
    status, message = refusal(octo.create_token(permissions={"contents": "read", name: missing}))
    assert (status, message.partition("'")[0]) == (422, "Invalid request.\n\nFor ")
    assert refusal(octo.create_token(permissions={name: other})) == NO_PERMISSION


@pytest.mark.parametrize("level", ["none", "READ", "", None, 1, ["read"], {"read": "read"}])
def test_an_unknown_level_is_refused(octo: Octo, level: object) -> None:
    assert octo.create_token(permissions={"contents": level}).status_code == 422


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"{", "Problems parsing JSON"),
        (b"\xff\xfe\xff", "Problems parsing JSON"),
        (b'{"repositories": NaN}', "Problems parsing JSON"),
        (b"[" * 100_000, "Problems parsing JSON"),
        (b"1" * 10_000, "Problems parsing JSON"),
        (b"[]", "Body should be a JSON object"),
        (b"null", "Body should be a JSON object"),
        (b'"text"', "Body should be a JSON object"),
    ],
)
def test_a_body_other_than_a_json_object_is_refused(octo: Octo, raw: bytes, message: str) -> None:
    path = f"/app/installations/{octo.on_org.id}/access_tokens"
    assert refusal(octo.as_app("POST", path, data=raw)) == (400, message)


def test_five_hundred_repositories_are_the_most(octo: Octo) -> None:
    names = [f"repo-{number}" for number in range(501)]
    for name in names:
        octo.service.create_repo(f"Octo-Org/{name}")
    assert len(octo.create_token(repositories=names[:500]).json()["repositories"]) == 500
    assert octo.create_token(repositories=names).status_code == 422


def test_an_unknown_installation_is_not_found(octo: Octo) -> None:
    octo.service.uninstall(octo.on_org)
    assert refusal(octo.create_token()) == (404, "Not Found")


def test_another_apps_installation_gives_no_token(octo: Octo) -> None:
    other = octo.service.create_app("other", {"contents": "read"})
    path = f"/app/installations/{octo.on_org.id}/access_tokens"
    assert refusal(octo.as_app("POST", path, other)) == (404, "Not Found")


def test_a_suspended_installation_gives_no_token_until_it_is_back(octo: Octo) -> None:
    token = octo.token()
    octo.service.suspend(octo.on_org)
    assert refusal(octo.create_token()) == SUSPENDED
    assert refusal(octo.ask("GET", "/installation/repositories", token)) == SUSPENDED
    octo.service.unsuspend(octo.on_org)
    assert octo.create_token().status_code == 201
    assert octo.ask("GET", "/installation/repositories", token).status_code == 200


def test_a_token_lives_for_an_hour_of_the_clock(octo: Octo) -> None:
    token = octo.token()
    octo.clock.offset = 3599
    assert octo.ask("GET", "/installation/repositories", token).status_code == 200
    octo.clock.offset = 3600
    assert refusal(octo.ask("GET", "/installation/repositories", token)) == BAD_CREDENTIALS


def test_a_revoked_token_is_refused_from_then_on(octo: Octo) -> None:
    token, kept = octo.token(), octo.token()
    first = octo.ask("DELETE", "/installation/token", token)
    assert (first.status_code, first.content) == (204, b"")
    assert refusal(octo.ask("DELETE", "/installation/token", token)) == BAD_CREDENTIALS
    assert octo.ask("GET", "/installation/repositories", kept).status_code == 200


def test_revoking_needs_a_token(octo: Octo) -> None:
    assert refusal(octo.ask("DELETE", "/installation/token")) == (401, "Requires authentication")
    assert refusal(octo.as_app("DELETE", "/installation/token")) == BAD_CREDENTIALS


def test_uninstalling_ends_the_tokens(octo: Octo) -> None:
    token, elsewhere = octo.token(), octo.token(octo.on_user)
    octo.service.uninstall(octo.on_org)
    assert refusal(octo.ask("GET", "/installation/repositories", token)) == BAD_CREDENTIALS
    assert octo.ask("GET", "/installation/repositories", elsewhere).status_code == 200


def test_a_fresh_token_can_be_refused_for_a_moment(octo: Octo) -> None:
    octo.service.not_usable_for(2)
    token = octo.token()
    assert refusal(octo.ask("GET", "/installation/repositories", token)) == BAD_CREDENTIALS
    octo.clock.offset = 2
    assert octo.ask("GET", "/installation/repositories", token).status_code == 200


def test_classic_tokens_have_forty_characters(octo: Octo) -> None:
    assert re.fullmatch(r"ghs_[A-Za-z0-9]{36}", octo.token())


def test_stateless_tokens_are_long_and_have_dots_dashes_and_underscores() -> None:
    with Octo(style=TokenStyle.STATELESS) as octo:
        token = octo.token()
        assert 510 <= len(token) <= 530
        assert all(mark in token.removeprefix("ghs_") for mark in ".-_")
        assert octo.ask("GET", "/installation/repositories", token).status_code == 200


def test_the_form_of_tokens_can_change_while_old_ones_are_in_use(octo: Octo) -> None:
    old = octo.token()
    octo.service.use_token_style(TokenStyle.STATELESS)
    assert len(octo.token()) > 500
    assert octo.ask("GET", "/installation/repositories", old).status_code == 200


def test_tokens_are_known_by_the_hash_that_the_audit_log_shows(octo: Octo) -> None:
    token = octo.token()
    hashed = base64.b64encode(hashlib.sha256(token.encode()).digest()).decode()
    (issued,) = octo.service.live_tokens()
    assert issued.hashed == hashed
    assert token not in repr(vars(issued))


def test_tokens_that_have_ended_are_not_listed(octo: Octo) -> None:
    octo.ask("DELETE", "/installation/token", octo.token())
    octo.token()
    octo.clock.offset = 3600
    assert octo.service.live_tokens() == []


def test_many_callers_at_once_each_get_a_token_of_their_own(octo: Octo) -> None:
    with ThreadPoolExecutor(16) as threads:
        tokens = list(threads.map(lambda _: octo.token(), range(64)))
    assert len(set(tokens)) == len(octo.service.live_tokens()) == 64
