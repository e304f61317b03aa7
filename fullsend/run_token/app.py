"""The GitHub calls of a run: make, use, inspect and revoke one installation token.

GitHub REST: "Create an installation access token for an app", "Create a registration token for a
repository" and "… for an organization", "Get rate limit status", "Revoke an installation access token".
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import jwt
import requests

from fullsend.client.retry import RetryPolicy, is_retryable, retry_after
from fullsend.client.token_api import API_VERSION, TokenApi
from fullsend.client.transport import Answer, NoAnswerError, exchange
from fullsend.client.types import is_token, json_object, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fullsend.run_token.settings import Settings

BACKDATED = 60
PATIENCE_SECONDS = 30.0
"""The bound on one call, its repetitions included."""
LIFETIME = 540
"""Nine minutes: GitHub refuses more than ten, and clocks differ."""

_HINTS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: (
        "check that GITHUB_APP_ID and the private key belong to one App, and this machine's clock"
    ),
    HTTPStatus.NOT_FOUND: "check GITHUB_APP_ID, GITHUB_APP_INSTALLATION_ID, --owner and --repo",
    HTTPStatus.FORBIDDEN: "the installation may be suspended, may lack the permission, or GitHub limits its calls",
    HTTPStatus.UNPROCESSABLE_ENTITY: (
        "the installation does not have one of the permissions or one of the repositories; "
        "Settings → GitHub Apps → Configure shows what it has"
    ),
}


class GitHubError(Exception):
    """GitHub said no or nothing; the text says what to check and holds no token."""


@dataclass(frozen=True, slots=True)
class InstallationToken:
    """What GitHub granted; the token does not show in `repr`."""

    token: str = field(repr=False)
    expires_at: str
    repository_selection: str
    repositories: tuple[str, ...]
    permissions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RunnerToken:
    """A registration token for self-hosted runners, good for an hour; it does not show in `repr`."""

    token: str = field(repr=False)
    expires_at: str


@dataclass(frozen=True, slots=True)
class App:
    """One App's installation; `now` is in seconds since the epoch."""

    settings: Settings
    now: Callable[[], float] = time.time
    session: requests.Session = field(default_factory=requests.Session, repr=False)
    retry: RetryPolicy = field(default_factory=lambda: RetryPolicy(total_seconds=PATIENCE_SECONDS))

    def token(self, repositories: Sequence[str], permissions: Mapping[str, str]) -> InstallationToken:
        """Make a token; empty scopes mean all that the installation has. Raises `GitHubError`."""
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
        """Return the rate-limit buckets as GitHub names them; None when the token is dead already."""
        answer = self._send("GET", "/rate_limit", token, None)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            return None
        resources = _object(answer, "the rate limits").get("resources")
        return resources if isinstance(resources, dict) else {}

    def revoke(self, token: str, *, fresh: bool = False) -> bool:
        """Revoke a token; False when GitHub does not know it. Raises `GitHubTokenError`."""
        return self._github().revoke(token, fresh=fresh)

    def _github(self) -> TokenApi:
        return TokenApi(self.settings.api_url, self.session, self.retry)

    def _app_jwt(self) -> str:
        now = int(self.now())
        claims = {"iat": now - BACKDATED, "exp": now + LIFETIME, "iss": self.settings.app_id}
        return jwt.encode(claims, self.settings.key, algorithm="RS256")

    def _send(self, method: str, path: str, bearer: str, body: object) -> Answer:
        attempts = self.retry.start()
        while True:
            try:
                answer = exchange(
                    self.session,
                    method,
                    self.settings.api_url + path,
                    bearer=bearer,
                    seconds=max(attempts.left, 1.0),
                    json=body,
                    headers={"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": API_VERSION},
                )
            except NoAnswerError as error:
                why = f"GitHub was not reached: {error}"
                if not attempts.wait(why=why):
                    raise GitHubError(why) from error
                continue
            if not is_retryable(answer.status):
                return answer
            if not attempts.wait(retry_after(answer.headers), why=f"GitHub answers {answer.status}"):
                return answer

    @staticmethod
    def _made(answer: Answer, what: str) -> dict[str, Any]:
        fields = _object(answer, what)
        if not is_token(fields.get("token")):
            raise GitHubError(f"GitHub's answer about {what} has no token in it")
        return fields


def _object(answer: Answer, what: str) -> dict[str, Any]:
    try:
        fields = json_object(answer.body)
    except ValueError:
        fields = {}
    if answer.status in {HTTPStatus.OK, HTTPStatus.CREATED} and fields:
        return fields
    message = one_line(str(fields.get("message", "no reason given")))
    hint = _HINTS.get(answer.status)
    raise GitHubError(f"GitHub refused {what}: {answer.status} {message}" + (f"; {hint}" if hint else ""))
