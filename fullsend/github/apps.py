"""A GitHub App, asked with its own key: is the key its, what may it do, where is it installed.

GitHub REST: "Get the authenticated app", "List installations for the authenticated app". Decides nothing
about roles.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import jwt
import requests

from fullsend.client.errors import MintConfigurationError
from fullsend.client.retry import RetryPolicy, is_retryable, retry_after
from fullsend.client.transport import Answer, NoAnswerError, exchange
from fullsend.client.types import json_object
from fullsend.client.urls import credential_url
from fullsend.operate.operate_errors import BadInput, GitHubError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mintcore.secret import Secret

DEFAULT_API = "https://api.github.com"
API_VERSION = "2022-11-28"
LIFETIME_SECONDS = 540
BACKDATED_SECONDS = 60
PAGE = 100
MAX_PAGES = 100


class KeyMismatch(GitHubError):
    """The key is not one of the App with this id."""


@dataclass(frozen=True, slots=True)
class Installation:
    """Where an App is installed, and what that account has accepted."""

    login: str
    permissions: Mapping[str, str]
    suspended: bool
    page: str


@dataclass(frozen=True, slots=True)
class AppFacts:
    """What GitHub says of the App whose key was shown."""

    app_id: str
    slug: str
    page: str
    permissions: Mapping[str, str]
    installations: tuple[Installation, ...] = ()


@dataclass(frozen=True, slots=True)
class GitHubApps:
    """GitHub, asked as an App; `now` is in seconds since the epoch. Raises BadInput for an unsafe URL."""

    api_url: str = DEFAULT_API
    now: Callable[[], float] = time.time
    retry: RetryPolicy = field(default_factory=lambda: RetryPolicy(total_seconds=30.0))

    def __post_init__(self) -> None:
        try:
            url = credential_url(self.api_url, what="GITHUB_API_URL", example=DEFAULT_API)
        except MintConfigurationError as error:
            raise BadInput(f"{error.message}.") from None
        object.__setattr__(self, "api_url", url)

    def app(self, app_id: str, key: Secret) -> AppFacts:
        """Return the App with this id. Raises BadInput for no key, GitHubError when it is not that App's key."""
        with requests.Session() as session:
            return _facts(_object(self._ask(session, "/app", app_id, key)))

    def app_everywhere(self, app_id: str, key: Secret) -> AppFacts:
        """Return the App with every account it is installed on. Raises BadInput, GitHubError."""
        with requests.Session() as session:
            app = _object(self._ask(session, "/app", app_id, key))
            found: list[Installation] = []
            for page in range(1, MAX_PAGES + 1):
                path = f"/app/installations?per_page={PAGE}&page={page}"
                listed = _list(self._ask(session, path, app_id, key))
                found += [_installation(one) for one in listed]
                if len(listed) < PAGE:
                    break
            return _facts(app, tuple(found))

    def _ask(self, session: requests.Session, path: str, app_id: str, key: Secret) -> Answer:
        assertion = self._assertion(app_id, key)
        attempts = self.retry.start()
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": API_VERSION}
        while True:
            try:
                answer = exchange(
                    session, "GET", self.api_url + path, bearer=assertion, seconds=20.0, headers=headers
                )
            except NoAnswerError as error:
                if not attempts.wait():
                    raise GitHubError(
                        f"GitHub was not reached: {error}.", "Check the network and run it again."
                    ) from error
                continue
            if answer.status == HTTPStatus.OK:
                return answer
            if not is_retryable(answer.status) or not attempts.wait(retry_after(answer.headers)):
                raise _refused(answer, app_id)

    def _assertion(self, app_id: str, key: Secret) -> str:
        now = int(self.now())
        claims = {"iss": app_id, "iat": now - BACKDATED_SECONDS, "exp": now + LIFETIME_SECONDS}
        try:
            return jwt.encode(claims, key.reveal(), algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            raise BadInput(
                f"The key for App {app_id} is not an RSA private key in PEM form.",
                "Give the .pem file that GitHub offered for download when the key was made.",
            ) from None


def _refused(answer: Answer, app_id: str) -> GitHubError:
    try:
        said = str(json_object(answer.body).get("message", ""))[:200]
    except ValueError:
        said = ""
    if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND}:
        return KeyMismatch(
            f"GitHub does not take the key as App {app_id}'s ({answer.status} {said}).",
            "Either the key is another App's or was deleted, or the App ID is wrong: both stand on the App's page "
            "(Settings → Developer settings → GitHub Apps → Edit). This machine's clock also has to be right.",
        )
    return GitHubError(
        f"GitHub refused to show App {app_id}: {answer.status} {said}.", "Run the command again later."
    )


def _facts(app: Mapping[str, Any], installations: tuple[Installation, ...] = ()) -> AppFacts:
    return AppFacts(
        app_id=str(app.get("id", "")),
        slug=str(app.get("slug", "")),
        page=str(app.get("html_url", "")),
        permissions={str(name): str(level) for name, level in (app.get("permissions") or {}).items()},
        installations=installations,
    )


def _installation(found: Mapping[str, Any]) -> Installation:
    return Installation(
        login=str((found.get("account") or {}).get("login", "")),
        permissions={str(name): str(level) for name, level in (found.get("permissions") or {}).items()},
        suspended=found.get("suspended_at") is not None,
        page=str(found.get("html_url", "")),
    )


def _object(answer: Answer) -> dict[str, Any]:
    try:
        return json_object(answer.body)
    except ValueError:
        raise GitHubError("What answers at GITHUB_API_URL is not GitHub's API.") from None


def _list(answer: Answer) -> list[dict[str, Any]]:
    try:
        listed = json.loads(answer.body)
    except ValueError:
        listed = None
    if not isinstance(listed, list):
        raise GitHubError("What answers at GITHUB_API_URL is not GitHub's API.")
    return [one for one in listed if isinstance(one, dict)]
