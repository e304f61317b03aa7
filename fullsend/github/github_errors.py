"""Explain GitHub's refusals to the operator: what happened, the usual cause, the fix."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from fullsend.failure import Failure
from fullsend.github.api import message_of
from fullsend.net.answer import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.github.credentials import Credentials
    from fullsend.net.answer import Answer
    from fullsend.net.failures import NoAnswerError

LIMITED = (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)
MAX_MESSAGE = 300
SCOPES = ("admin:org", "repo")
"""What a classic token needs for an organization; a repository needs only the second."""


class GitHubError(Failure):
    """GitHub refused, gave an answer that contradicts the options, or did not answer."""


class Forbidden(GitHubError):
    """The token lacks the permission."""


def unreachable(error: NoAnswerError, api_url: str) -> GitHubError:
    """Explain a call without an answer."""
    return GitHubError(
        f"GitHub at {api_url} gave no usable answer: {error}.",
        "Check the network, the proxy and GITHUB_API_URL; a GitHub Enterprise Server is https://HOST/api/v3.",
    )


def unreadable(api_url: str) -> GitHubError:
    """Explain an answer without the fields that GitHub documents."""
    return GitHubError(
        f"The server at {api_url} does not speak GitHub's API.",
        "Check GITHUB_API_URL and the proxy; a GitHub Enterprise Server is https://HOST/api/v3.",
    )


def refusal(answer: Answer, doing: str, holder: str, credentials: Credentials) -> GitHubError:
    """Explain a refusal; `doing` completes "GitHub refused to …"."""
    reason = one_line(message_of(answer) or "no reason given", limit=MAX_MESSAGE)
    if is_limit(answer):
        return GitHubError(
            f"GitHub limits this token's calls and refused to {doing}{_until(answer.headers)}.",
            "Wait until then, and run the command again: finished changes are not repeated.",
        )
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return GitHubError(
            f"GitHub does not accept the token from {credentials.source} (401): it is wrong, has expired or was "
            "revoked.",
            credentials.renewal(SCOPES),
        )
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return GitHubError(
            f"GitHub failed when asked to {doing} ({answer.status}).",
            "Run the command again in a few minutes; https://www.githubstatus.com/ says more.",
        )
    if answer.status == HTTPStatus.NOT_FOUND:
        return GitHubError(
            f"{holder} does not exist, or the token may not see it (404).",
            _seeing(holder, answer.headers.get("x-oauth-scopes"), credentials),
        )
    if answer.status == HTTPStatus.FORBIDDEN:
        return Forbidden(
            f"GitHub refused to {doing} (403): {reason}", _permission(answer.headers, holder, credentials)
        )
    return GitHubError(
        f"GitHub refused to {doing} ({answer.status}): {reason}", "If this lasts: https://www.githubstatus.com/"
    )


def is_limit(answer: Answer) -> bool:
    """Return whether a refusal is about the number of calls (GitHub REST: "Rate limits"): 403 or 429."""
    if answer.status not in LIMITED:
        return False
    told = "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining") == "0"
    return told or "rate limit" in (message_of(answer) or "").lower()


def _seeing(holder: str, scopes: str | None, credentials: Credentials) -> str:
    owner, slash, name = holder.partition("/")
    if not slash:
        return f"Check the spelling. If {holder} is a user, name a repository: {holder}/REPO"
    if scopes is not None and "repo" not in scopes.split(", "):
        return (
            f"The token lacks the scope repo, so it sees public repositories only.\n{credentials.renewal(SCOPES)}"
        )
    creation = (
        f"\nIf it does not exist yet: gh repo create {holder} --private --add-readme" if name[0] == "." else ""
    )
    return (
        f"Check the spelling. The token's owner must be able to see it; a fine-grained token must belong to "
        f"{owner} and include the repository.{creation}"
    )


def _permission(headers: Mapping[str, str], holder: str, credentials: Credentials) -> str:
    sso = headers.get("x-github-sso", "")
    if "url=" in sso:
        return f"The token is not authorized for single sign-on yet; open {sso.partition('url=')[2]}"
    scopes = headers.get("x-accepted-oauth-scopes", "")
    if scopes:
        needs = f"It needs the scope {scopes}, and its owner must be an administrator of {holder}."
        return f"{needs}\n{credentials.renewal(SCOPES)}"
    permission = headers.get("x-accepted-github-permissions", "")
    if permission:
        return (
            f"The token needs the permission {permission} on {holder}; edit it under Settings, Developer settings."
        )
    return f"The token's owner must be an administrator of {holder}."


def _until(headers: Mapping[str, str]) -> str:
    if headers.get("retry-after", "").isdigit():
        return f" for {headers['retry-after']} seconds"
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdigit() and len(reset) <= len("9999999999"):
        return f" until {datetime.fromtimestamp(int(reset), UTC):%H:%M:%S} UTC"
    return " for about a minute"
