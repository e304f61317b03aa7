"""Make, use, inspect and revoke one installation token at GitHub.

GitHub REST: "Create an installation access token for an app", "Create a registration token for a
repository" and "… for an organization", "Get rate limit status", "Revoke an installation access token".
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fullsend.client.token_api import TokenApi
from fullsend.github.api import CALL_SECONDS, GitHubApi
from fullsend.github.app_jwt import app_jwt
from fullsend.github.github_errors import GitHubError, is_limit
from fullsend.net.answer import is_token, one_line
from fullsend.net.failures import NoAnswerError
from fullsend.net.retry import RetryPolicy
from fullsend.net.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fullsend.net.answer import Answer
    from fullsend.run_token.settings import Settings

_HINTS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: (
        "Check that GITHUB_APP_ID and the private key belong to one App, and this machine's clock."
    ),
    HTTPStatus.NOT_FOUND: "Check GITHUB_APP_ID, GITHUB_APP_INSTALLATION_ID, --owner and --repo.",
    HTTPStatus.FORBIDDEN: "The installation may be suspended, or lack the permission.",
    HTTPStatus.UNPROCESSABLE_ENTITY: (
        "The installation lacks one of the permissions or one of the repositories; "
        "Settings → GitHub Apps → Configure shows what it has."
    ),
}
_LIMITED = "GitHub limits the calls of this App or token; run the command again after a minute."


@dataclass(frozen=True, slots=True)
class InstallationToken:
    """The token that GitHub granted; `repr` does not show it."""

    token: str = field(repr=False)
    expires_at: str
    repository_selection: str
    repositories: tuple[str, ...]
    permissions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RunnerToken:
    """A registration token for self-hosted runners, valid for an hour; it does not show in `repr`."""

    token: str = field(repr=False)
    expires_at: str


@dataclass(frozen=True, slots=True)
class App:
    """One App's installation; `now` is in seconds since the epoch."""

    settings: Settings
    now: Callable[[], float] = time.time
    transport: Transport = field(default_factory=Transport, repr=False)
    retry: RetryPolicy = field(default_factory=lambda: RetryPolicy(total_seconds=CALL_SECONDS))

    def token(self, repositories: Sequence[str], permissions: Mapping[str, str]) -> InstallationToken:
        """Make a token; an empty scope means the whole installation. Raises `GitHubError`."""
        body: dict[str, object] = {}
        if repositories:
            body["repositories"] = list(repositories)
        if permissions:
            body["permissions"] = dict(permissions)
        path = f"/app/installations/{self.settings.installation_id}/access_tokens"
        fields = self._made(self._send("POST", path, self._app_jwt(), body), "the installation token")
        return InstallationToken(
            token=fields["token"],
            expires_at=str(fields.get("expires_at", "")),
            repository_selection=str(fields.get("repository_selection", "")),
            repositories=tuple(str(entry.get("full_name", "")) for entry in fields.get("repositories", ())),
            permissions={str(k): str(v) for k, v in fields.get("permissions", {}).items()},
        )

    def runner_token(self, token: str, owner: str, repo: str | None) -> RunnerToken:
        """Exchange a token for a runner registration token of a repository, or of the organization."""
        place = f"/repos/{owner}/{repo}" if repo else f"/orgs/{owner}"
        path = f"{place}/actions/runners/registration-token"
        answer = self._send("POST", path, token, None)
        if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND}:
            self._github().wait_usable(token)  # GitHub may not know a token made a moment ago
            answer = self._send("POST", path, token, None)
        fields = self._made(answer, "the runner registration token")
        return RunnerToken(token=fields["token"], expires_at=str(fields.get("expires_at", "")))

    def rate_limit(self, token: str) -> dict[str, Any] | None:
        """Return the rate-limit buckets as GitHub names them, or None if the token is no longer valid."""
        answer = self._send("GET", "/rate_limit", token, None)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            return None
        resources = _object(answer, "the rate limits").get("resources")
        return resources if isinstance(resources, dict) else {}

    def revoke(self, token: str, *, fresh: bool = False) -> bool:
        """Revoke a token; False when GitHub does not know it. Raises `GitHubTokenError`."""
        return self._github().revoke(token, fresh=fresh)

    def _github(self) -> TokenApi:
        return TokenApi(self.settings.api_url, self.transport, self.retry)

    def _app_jwt(self) -> str:
        return app_jwt(self.settings.app_id, self.settings.key, self.now())

    def _send(self, method: str, path: str, bearer: str, body: object) -> Answer:
        api = GitHubApi(self.settings.api_url, self.retry, self.transport)
        try:
            return api.call(method, path, bearer, json=body)
        except NoAnswerError as error:
            raise GitHubError(
                f"GitHub gave no usable answer: {error}.", "Check the network, the proxy and GITHUB_API_URL."
            ) from error

    @staticmethod
    def _made(answer: Answer, what: str) -> dict[str, Any]:
        fields = _object(answer, what)
        if not is_token(fields.get("token")):
            raise GitHubError(f"GitHub's answer about {what} has no token in it.")
        return fields


def _object(answer: Answer, what: str) -> dict[str, Any]:
    try:
        fields = answer.json_object()
    except ValueError:
        fields = {}
    if answer.status in {HTTPStatus.OK, HTTPStatus.CREATED} and fields:
        return fields
    message = one_line(str(fields.get("message", "no reason given")))
    remedy = _LIMITED if is_limit(answer) else _HINTS.get(answer.status, "")
    raise GitHubError(f"GitHub refused {what}: {answer.status} {message}.", remedy)
