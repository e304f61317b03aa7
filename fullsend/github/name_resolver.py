"""The case in which GitHub spells a name. CEL compares case-sensitively, so that it is looked up, not guessed.

GitHub REST: "Get a user" (finds organizations too), "Get a repository".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import requests

from fullsend.client.errors import MintConfigurationError
from fullsend.client.transport import cause
from fullsend.client.urls import credential_url
from fullsend.github.apps import API_VERSION, DEFAULT_API
from fullsend.operate.operate_errors import BadInput, GitHubError
from mintcore.policy.names import Org, parse_repo
from mintcore.version import VERSION

if TYPE_CHECKING:
    from mintcore.policy.names import Repo
    from mintcore.secret import Secret

SECONDS = 20
LARGEST = 1024 * 1024
TOKEN_HINT = "Set GH_TOKEN to a token that can see it (gh auth token prints yours)"  # noqa: S105 - a hint, no token


@dataclass(frozen=True, slots=True)
class NameResolver:
    """GitHub, asked how it spells names; without a token it knows public ones only."""

    api_url: str = DEFAULT_API
    token: Secret | None = None

    def org(self, org: Org) -> Org:
        """Return the organization or user as GitHub spells it. Raises GitHubError."""
        login = str(self._get(f"/users/{org.login}", f"an organization or user {org}").get("login", ""))
        if login.lower() != org.key:
            raise GitHubError(f"GitHub knows {org} as {login!r}; it was renamed.", f"Use the name {login!r}.")
        return Org(login)

    def repo(self, repo: Repo) -> Repo:
        """Return the repository as GitHub spells it. Raises GitHubError."""
        name = str(self._get(f"/repos/{repo}", f"a repository {repo}").get("full_name", ""))
        if name.lower() != str(repo).lower():
            raise GitHubError(f"GitHub knows {repo} as {name!r}; it was renamed.", f"Use the name {name!r}.")
        return parse_repo(name)

    def _get(self, path: str, what: str) -> dict[str, Any]:
        try:
            url = credential_url(self.api_url, what="GITHUB_API_URL", example=DEFAULT_API) + path
        except MintConfigurationError as error:
            raise BadInput(f"{error.message}.") from None
        headers = {
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": API_VERSION,
            "User-Agent": f"fullsend/{VERSION}",
        }
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token.reveal()}"
        try:
            # A redirect says that the name is another's past; it is not followed with the token.
            with requests.get(url, headers=headers, timeout=SECONDS, allow_redirects=False, stream=True) as answer:
                body = answer.raw.read(LARGEST, decode_content=True)
        except requests.exceptions.RequestException as error:
            raise GitHubError(
                f"GitHub was not reached to look up {what} ({cause(error)}).",
                "Check the network, or give the name in GitHub's own case together with --as-spelled.",
            ) from error
        if answer.status_code != HTTPStatus.OK:
            raise _unknown(answer.status_code, what)
        return _object(body)


def _unknown(status: int, what: str) -> GitHubError:
    if status in {HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.PERMANENT_REDIRECT, HTTPStatus.FOUND}:
        return GitHubError(f"GitHub no longer knows {what}: it was renamed.", "Use its name of today.")
    if status in {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.TOO_MANY_REQUESTS,
    }:
        return GitHubError(
            f"GitHub does not show {what} ({status}): the name is wrong, or it is private, or too many have asked.",
            f"{TOKEN_HINT}, or give the name in GitHub's own case together with --as-spelled.",
        )
    return GitHubError(f"GitHub failed to look up {what} ({status}).", "Run the command again.")


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise GitHubError("What answers at GITHUB_API_URL is not GitHub's API.")
    return found
