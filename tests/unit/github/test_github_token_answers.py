"""Answers of GitHub about installations and tokens, sound or not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from mintcore.errors import (
    AppNotInstalled,
    GitHubUnavailable,
    Incident,
)
from tests.unit.github.octo_world import INSTALLATION, NOT_FOUND, TOKEN, found, repositories, scripted
from tests.unit.outbound.loopback_peer import answer

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


def created(**changes: Any) -> bytes:
    return answer(201, json.dumps(TOKEN | changes).encode())


@pytest.mark.parametrize("login", ["other-org", "octo-org2", "", "octo\u200b-org", "octo-org/", "\u212a"])
def test_an_installation_of_another_account_is_an_incident(key: RSAPrivateKey, login: str) -> None:
    with pytest.raises(Incident):
        scripted(key, found(account={"login": login}), created())


def test_an_account_in_other_case_is_the_same(key: RSAPrivateKey) -> None:
    assert scripted(key, found(account={"login": "Octo-Org"}), created()).installation_id == 7


ODD: list[object] = [None, "x", [], {}, float("inf"), float("nan"), "1e9"]


@pytest.mark.parametrize("number", ODD)
def test_an_installation_with_an_odd_id_is_an_unusable_answer(key: RSAPrivateKey, number: object) -> None:
    with pytest.raises(GitHubUnavailable):
        scripted(key, found(id=number), created())


@pytest.mark.parametrize("name", ["id", "account", "permissions"])
def test_an_installation_without_what_matters_is_an_unusable_answer(key: RSAPrivateKey, name: str) -> None:
    kept = {field: value for field, value in INSTALLATION.items() if field != name}
    with pytest.raises(GitHubUnavailable):
        scripted(key, answer(200, json.dumps(kept).encode()))


@pytest.mark.parametrize("name", ["token", "expires_at", "permissions"])
@pytest.mark.parametrize("value", [None, [], 5])
def test_a_token_with_an_odd_field_is_an_unusable_answer(key: RSAPrivateKey, name: str, value: object) -> None:
    with pytest.raises(GitHubUnavailable):
        scripted(key, found(), created(**{name: value}))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"permissions": {"contents": "write"}}, "contents:write"),
        ({"permissions": {"contents": "read", "administration": "read"}}, "administration:read"),
        ({"permissions": {"contents": "owner"}}, "contents:owner"),
        ({"permissions": {"metadata": "write"}}, "metadata:write"),
        ({"repositories": repositories("octo-org/app", "octo-org/secret")}, "octo-org/secret"),
        ({"repositories": repositories("other-org/app")}, "other-org/app"),
        ({"repository_selection": "all"}, "all repositories"),
    ],
)
def test_an_over_privileged_token_is_an_incident_and_is_withheld(
    key: RSAPrivateKey, changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(Incident) as refused:
        scripted(key, found(), created(**changes), repos=("app",))
    assert refused.value.detail.startswith(f"GitHub granted more than was asked on octo-org: {named}")
    assert named not in refused.value.public


@pytest.mark.parametrize(
    "changes",
    [
        {"permissions": {}},
        {"permissions": {"contents": "read", "metadata": "read"}},
        {"repositories": repositories("Octo-Org/App"), "repository_selection": "selected"},
    ],
)
def test_a_token_with_what_was_requested_or_less_is_given(key: RSAPrivateKey, changes: dict[str, Any]) -> None:
    assert scripted(key, found(), created(**changes), repos=("app",)).token.reveal() == "ghs_x"


def test_an_empty_token_is_an_unusable_answer(key: RSAPrivateKey) -> None:
    with pytest.raises(GitHubUnavailable):
        scripted(key, found(), created(token=""))


@pytest.mark.parametrize(
    ("changes", "repos", "told"),
    [
        ({}, ("app",), ("octo-org/app",)),
        ({"repositories": repositories("octo-org/app")}, ("app", "docs"), ("octo-org/app",)),
        ({"repositories": repositories("octo-org/app")}, ("App",), ("octo-org/app",)),
        (
            {"repositories": repositories("octo-org/app"), "repository_selection": "all"},
            ("app",),
            ("octo-org/app",),
        ),
        ({}, (), ()),
        ({"repositories": repositories("octo-org/app"), "repository_selection": "all"}, (), ()),
    ],
)
def test_the_repositories_told_are_githubs_and_where_it_names_none_those_asked_for(
    key: RSAPrivateKey, changes: dict[str, Any], repos: tuple[str, ...], told: tuple[str, ...]
) -> None:
    assert scripted(key, found(), created(**changes), repos=repos).repositories == told


def test_an_installation_that_vanishes_twice_is_not_installed(key: RSAPrivateKey) -> None:
    with pytest.raises(AppNotInstalled):
        scripted(key, found(), NOT_FOUND, found(id=8), NOT_FOUND)


@pytest.mark.parametrize(
    ("said", "where"),
    [
        (
            answer(200, b'{"html_url": "https://github.com/apps/a"}'),
            "at https://github.com/apps/a/installations/new.",
        ),
        (answer(200, b'{"html_url": "javascript:alert()"}'), "from the App's page"),
        (answer(200, b'{"html_url": 5}'), "from the App's page"),
        (answer(200, b"<html>"), "from the App's page"),
        (answer(404, b'{"html_url": "https://github.com/apps/a"}'), "from the App's page"),
        (None, "from the App's page"),
    ],
)
def test_where_to_install_an_app_is_githubs_to_say_or_not_said(
    key: RSAPrivateKey, said: bytes | None, where: str
) -> None:
    with pytest.raises(AppNotInstalled) as refused:
        scripted(key, NOT_FOUND, NOT_FOUND, said)
    assert where in refused.value.public
