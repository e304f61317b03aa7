"""Ask GitHub about an App with the App's key: check the key, list its permissions and its installations.

GitHub REST: "Get the authenticated app", "List installations for the authenticated app".
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fullsend.failure import BadInput
from fullsend.github.api import CALL_SECONDS, DEFAULT_API_URL, GitHubApi, message_of
from fullsend.github.app_jwt import app_jwt
from fullsend.github.github_errors import GitHubError, is_limit, unreachable, unreadable
from fullsend.github.quota import Quota, quota_of
from fullsend.net.answer import one_line
from fullsend.net.failures import NoAnswerError
from fullsend.net.retry import RetryPolicy
from mintcore.keys.pem import normalize

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fullsend.net.answer import Answer
    from mintcore.secret import Secret

PAGE = 100
MAX_PAGES = 100
MAX_MESSAGE = 200


class KeyMismatch(GitHubError):
    """The key is not one of the App with this id."""


@dataclass(frozen=True, slots=True)
class Installation:
    """An App's installation, with the permissions that the account has accepted."""

    login: str
    permissions: Mapping[str, str]
    suspended: bool
    page: str


@dataclass(frozen=True, slots=True)
class AppFacts:
    """GitHub's description of the App that the key belongs to."""

    app_id: str
    slug: str
    page: str
    permissions: Mapping[str, str]
    installations: tuple[Installation, ...] = ()
    quota: Quota | None = None
    owner: str = ""


@dataclass(frozen=True, slots=True)
class GitHubApps:
    """Calls GitHub as an App; `now` is in seconds since the epoch. Raises BadInput for an unsafe URL."""

    api_url: str = DEFAULT_API_URL
    now: Callable[[], float] = time.time
    retry: RetryPolicy = field(default_factory=lambda: RetryPolicy(total_seconds=CALL_SECONDS))

    def __post_init__(self) -> None:
        object.__setattr__(self, "api_url", GitHubApi(self.api_url).api_url)

    def app(self, app_id: str, key: Secret | str) -> AppFacts:
        """Return the App with this id; a string is a JWT. Raises BadInput for an invalid key, GitHubError."""
        return _facts(self._object(self._ask("/app", app_id, key)))

    def app_everywhere(self, app_id: str, key: Secret | str) -> AppFacts:
        """Return the App with every account it is installed on; a string is a JWT. Raises BadInput, GitHubError."""
        answer = self._ask("/app", app_id, key)
        app, quota = self._object(answer), quota_of(answer.headers)
        found: list[Installation] = []
        for page in range(1, MAX_PAGES + 1):
            listed = self._list(self._ask(f"/app/installations?per_page={PAGE}&page={page}", app_id, key))
            found += [_installation(one) for one in listed]
            if len(listed) < PAGE:
                break
        return _facts(app, tuple(found), quota)

    def _ask(self, path: str, app_id: str, key: Secret | str) -> Answer:
        try:
            assertion = key if isinstance(key, str) else app_jwt(app_id, _pem(key), self.now())
        except ValueError:
            raise BadInput(
                f"The key for App {app_id} is not an RSA private key in PEM form.",
                "Give the .pem file that GitHub offered for download when the key was made.",
            ) from None
        try:
            answer = GitHubApi(self.api_url, self.retry).call("GET", path, assertion)
        except NoAnswerError as error:
            raise unreachable(error, self.api_url) from error
        if answer.status == HTTPStatus.OK:
            return answer
        raise _refused(answer, app_id)

    def _object(self, answer: Answer) -> dict[str, Any]:
        try:
            return answer.json_object()
        except ValueError:
            raise unreadable(self.api_url) from None

    def _list(self, answer: Answer) -> list[dict[str, Any]]:
        try:
            listed = answer.json()
        except ValueError:
            listed = None
        if not isinstance(listed, list):
            raise unreadable(self.api_url)
        return [one for one in listed if isinstance(one, dict)]


def _refused(answer: Answer, app_id: str) -> GitHubError:
    reason = one_line(message_of(answer) or "", limit=MAX_MESSAGE)
    if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND}:
        return KeyMismatch(
            f"GitHub does not accept the key as App {app_id}'s ({answer.status} {reason}).",
            "The key belongs to another App or was deleted, or the App ID is wrong: the App's page shows both "
            "(Settings → Developer settings → GitHub Apps → Edit). This machine's clock must be right, too.",
        )
    if is_limit(answer):
        return GitHubError(f"GitHub limits the calls of App {app_id}.", "Run the command again in an hour.")
    return GitHubError(
        f"GitHub refused to show App {app_id}: {answer.status} {reason}.", "Run the command again later."
    )


def _facts(
    app: Mapping[str, Any], installations: tuple[Installation, ...] = (), quota: Quota | None = None
) -> AppFacts:
    owner = app.get("owner")
    return AppFacts(
        app_id=str(app.get("id", "")),
        slug=str(app.get("slug", "")),
        page=str(app.get("html_url", "")),
        permissions={str(name): str(level) for name, level in (app.get("permissions") or {}).items()},
        installations=installations,
        quota=quota,
        owner=str(owner.get("login", "")) if isinstance(owner, dict) else "",
    )


def _installation(found: Mapping[str, Any]) -> Installation:
    return Installation(
        login=str((found.get("account") or {}).get("login", "")),
        permissions={str(name): str(level) for name, level in (found.get("permissions") or {}).items()},
        suspended=found.get("suspended_at") is not None,
        page=str(found.get("html_url", "")),
    )


def _pem(key: Secret) -> str:
    return normalize(key.reveal().encode()).decode()
