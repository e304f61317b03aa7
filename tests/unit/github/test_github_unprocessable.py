"""Requests for a token that GitHub cannot process, explained by what it says of each part."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from mintcore.errors import (
    GitHubRefused,
    MintError,
    PermissionsNotGranted,
    ReposNotAccessible,
)
from mintcore.github.diagnosis import explain_unprocessable
from mintcore.github.refusals import refusal
from mintcore.outbound.answer import Answer
from mintcore.policy.names import RepoName
from mintcore.request import Scope
from tests.mint_doubles import FakeClock, new_attempt
from tests.unit.github.octo_world import NOT_FOUND, ORG, PERMISSIONS, Octo, found, scripted
from tests.unit.outbound.loopback_peer import answer

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


PERMISSIONS_LACK, REPOS_LACK = "The Permissions requested are not granted", "At least one Repository does not exist"


@pytest.mark.parametrize(
    ("message", "granted", "repos", "kind"),
    [
        (PERMISSIONS_LACK, {}, ("app",), PermissionsNotGranted),
        (PERMISSIONS_LACK, PERMISSIONS, ("app",), PermissionsNotGranted),
        (REPOS_LACK, {}, ("app",), ReposNotAccessible),
        (f"{PERMISSIONS_LACK}, {REPOS_LACK}", {}, ("app",), PermissionsNotGranted),
        (f"{PERMISSIONS_LACK}, {REPOS_LACK}", PERMISSIONS, ("app",), ReposNotAccessible),
        (REPOS_LACK, {}, (), GitHubRefused),
        ("Validation Failed", {}, ("app",), GitHubRefused),
    ],
)
def test_an_unprocessable_request_is_explained_by_what_github_says_of_it(
    message: str, granted: dict[str, str], repos: tuple[str, ...], kind: type[MintError]
) -> None:
    refused, scope = answered_422(message), Scope(PERMISSIONS, tuple(RepoName(name) for name in repos))
    context = new_attempt(FakeClock())
    given = explain_unprocessable(
        refused,
        ORG,
        scope,
        granted=granted,
        reaches=lambda _name: True,
        failure=refusal(refused, doing="creating a token", org=ORG, now=0.0),
        context=context,
    )
    assert type(given) is kind


@pytest.mark.parametrize(("seconds", "asked"), [(25.0, 30), (4.5, 3), (2.0, 1), (1.9, 0)])
def test_no_more_is_asked_to_explain_than_the_time_and_thirty_questions_allow(seconds: float, asked: int) -> None:
    clock, questions = FakeClock(), list[RepoName]()

    def reaches(name: RepoName) -> bool:
        questions.append(name)
        clock.advance(1 if seconds < 25 else 0)
        return True

    scope = Scope(PERMISSIONS, tuple(RepoName(f"app{number}") for number in range(40)))
    explain_unprocessable(
        answered_422(REPOS_LACK),
        ORG,
        scope,
        granted={},
        reaches=reaches,
        failure=GitHubRefused(),
        context=new_attempt(clock, seconds),
    )
    assert len(questions) == asked


def answered_422(message: str) -> Answer:
    return Answer(422, {}, json.dumps({"message": message}).encode())


UNREACHABLE = answer(422, b'{"message": "There is at least one repository that does not exist"}')


UNKNOWN_APP = answer(404, b'{"message": "Integration not found"}')


@pytest.mark.parametrize("said", [answer(403), answer(500), UNKNOWN_APP, found()])
def test_a_repository_github_does_not_call_missing_is_not_called_so(key: RSAPrivateKey, said: bytes) -> None:
    with pytest.raises(ReposNotAccessible, match="at least one of the requested repositories"):
        scripted(key, found(), UNREACHABLE, found(), said, repos=("app",))


OUT_OF_REACH = {"missing": NOT_FOUND, "renamed": answer(301), "of another installation": found(id=8)}


@pytest.mark.parametrize("said", OUT_OF_REACH.values(), ids=OUT_OF_REACH)
def test_a_repository_that_is_out_of_reach_is_named(key: RSAPrivateKey, said: bytes) -> None:
    with pytest.raises(ReposNotAccessible, match="octo-org/app"):
        scripted(key, found(), UNREACHABLE, found(), said, repos=("app",))


def test_a_repository_of_which_github_says_nothing_hides_no_other(key: RSAPrivateKey) -> None:
    with pytest.raises(ReposNotAccessible, match="cannot reach octo-org/docs:"):
        scripted(key, found(), UNREACHABLE, found(), answer(451), NOT_FOUND, repos=("app", "docs"))


def test_a_limit_ends_the_looking(key: RSAPrivateKey) -> None:
    limited = answer(403, b"{}", Retry_After="60")
    with pytest.raises(ReposNotAccessible, match="at least one of the requested repositories:"):
        scripted(key, found(), UNREACHABLE, found(), limited, NOT_FOUND, repos=("app", "docs"))


def test_who_asks_for_many_is_told_how_many_were_looked_at(octo: Octo) -> None:
    octo.install()
    for number in range(30):
        octo.github.create_repo(f"octo-org/app{number}")
    with pytest.raises(ReposNotAccessible, match=r"requested repositories \(only the first 30 were checked\)"):
        octo.issue(*(f"app{number}" for number in range(31)))
