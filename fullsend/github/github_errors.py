"""GitHub's refusals and PyGithub's exceptions as ours: what happened, the usual cause, what mends it."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import requests.exceptions
from github import BadCredentialsException, GithubException, RateLimitExceededException

from fullsend.client.transport import cause
from fullsend.operate.operate_errors import GitHubError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fullsend.github.credentials import Credentials

SERVER_TROUBLE = 500
FORBIDDEN = 403
LIMITED = (403, 429)
NOT_FOUND = 404
LONGEST = 300
SCOPES = ("admin:org", "repo")
"""What a classic token needs for an organization; for one repository the second is enough."""


class Forbidden(GitHubError):
    """The token may not do this, whoever it belongs to."""


@contextmanager
def explained(doing: str, keeper: str, credentials: Credentials) -> Iterator[None]:
    """Turn whatever PyGithub raises into GitHubError; `doing` completes "GitHub refused to …"."""
    try:
        yield
    except BadCredentialsException:
        raise GitHubError(
            f"GitHub does not accept the token from {credentials.source} (401): it has expired or was revoked.",
            credentials.renewal(SCOPES),
        ) from None
    except GithubException as error:
        raise _refusal(error, doing, keeper, credentials) from None
    except requests.exceptions.RequestException as error:
        raise GitHubError(
            f"GitHub at {credentials.api_url} cannot be reached ({cause(error)}).",
            "Check the network and GITHUB_API_URL; a GitHub Enterprise Server is https://HOST/api/v3.",
        ) from None
    except (ValueError, RuntimeError):
        # No JSON, fields that are missing, or a redirect to another host, which PyGithub does not follow.
        raise GitHubError(
            f"What answers at {credentials.api_url} does not speak GitHub's API.",
            "Check GITHUB_API_URL and the proxy; a GitHub Enterprise Server is https://HOST/api/v3.",
        ) from None


def _refusal(error: GithubException, doing: str, keeper: str, credentials: Credentials) -> GitHubError:
    said = _message(error)
    if is_limit(error):
        return GitHubError(
            f"GitHub limits this token's calls and refused to {doing}{_until(_lower(error))}.",
            "Wait until then, and run the command again: what is done already is not done twice.",
        )
    if error.status >= SERVER_TROUBLE:
        return GitHubError(
            f"GitHub had trouble of its own when asked to {doing} ({error.status}).",
            "Run the command again in a few minutes; https://www.githubstatus.com/ says more.",
        )
    if error.status == NOT_FOUND:
        return GitHubError(
            f"{keeper} does not exist, or the token may not see it (404).",
            _seeing(keeper, _lower(error).get("x-oauth-scopes"), credentials),
        )
    if error.status == FORBIDDEN:
        return Forbidden(
            f"GitHub refused to {doing} (403): {said}", _permission(_lower(error), keeper, credentials)
        )
    return GitHubError(
        f"GitHub refused to {doing} ({error.status}): {said}", "If this lasts: https://www.githubstatus.com/"
    )


def _seeing(keeper: str, scopes: str | None, credentials: Credentials) -> str:
    owner, slash, name = keeper.partition("/")
    if not slash:
        return f"Check the spelling. If {keeper} is a user and no organization, name a repository: {keeper}/REPO"
    if scopes is not None and "repo" not in scopes.split(", "):
        return (
            "The token does not have the scope repo, without which it sees public repositories only.\n"
            f"{credentials.renewal(SCOPES)}"
        )
    creation = f"\nIf it is not there yet: gh repo create {keeper} --private --add-readme" if name[0] == "." else ""
    return (
        f"Check the spelling. Who owns the token must be able to see it; a fine-grained token must belong to "
        f"{owner} and include the repository.{creation}"
    )


def _permission(headers: Mapping[str, str], keeper: str, credentials: Credentials) -> str:
    sso = headers.get("x-github-sso", "")
    if "url=" in sso:
        return f"The token is not authorized for single sign-on yet; open {sso.partition('url=')[2]}"
    scopes = headers.get("x-accepted-oauth-scopes", "")
    if scopes:
        needs = f"It needs the scope {scopes}, and who owns it must be an administrator of {keeper}."
        return f"{needs}\n{credentials.renewal(SCOPES)}"
    permission = headers.get("x-accepted-github-permissions", "")
    if permission:
        return (
            f"The token needs the permission {permission} on {keeper}; edit it under Settings, Developer settings."
        )
    return f"Who owns the token must be an administrator of {keeper}."


def is_limit(error: GithubException) -> bool:
    """Whether a refusal is about the number of calls (GitHub REST: "Rate limits"), whose status is 403 or 429."""
    headers = _lower(error)
    told = "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"
    return error.status in LIMITED and (told or isinstance(error, RateLimitExceededException))


def _until(headers: Mapping[str, str]) -> str:
    if headers.get("retry-after", "").isdigit():
        return f" for {headers['retry-after']} seconds"
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
        return f" until {datetime.fromtimestamp(int(reset), UTC):%H:%M:%S} UTC"
    return " for about a minute"


def _lower(error: GithubException) -> dict[str, str]:
    return {name.lower(): value for name, value in (error.headers or {}).items()}


def _message(error: GithubException) -> str:
    body = error.data if isinstance(error.data, dict) else {}
    said = str(body.get("message") or "no reason given")
    return " ".join(said.split())[:LONGEST]
