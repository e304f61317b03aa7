"""Find out what a refusal of GitHub means: its 403 can be a limit, a suspension or a missing permission.

Only limits, 5xx and failed connections are transient. Any other 3xx or 4xx lasts until a person changes a setting,
so the caller gets GitHub's sentence.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mintcore.errors import (
    GitHubRateLimited,
    GitHubRefused,
    GitHubUnavailable,
    InstallationSuspended,
    InvalidRoleKey,
    MintError,
    NotGitHub,
    UpstreamTimeout,
)
from mintcore.outbound.answer import Answer, DeadlineExceeded, OutboundError, RouteRefused, Unusable, is_lasting
from mintcore.secret import one_line

if TYPE_CHECKING:
    from mintcore.policy.names import Org

MAX_QUOTED = 300
NOT_GITHUB = "GITHUB_API_URL does not look like GitHub's API"
_CHECK_ROUTE = "Fix: the mint's operator checks GITHUB_API_URL and the proxies on the way; a retry does not help."

_BAD_REQUEST = 400
_UNAUTHORIZED = 401
_FORBIDDEN = 403
_NOT_FOUND = 404
_TOO_MANY_REQUESTS = 429
_PROXY_AUTHENTICATION = 407
# GitHub's 401 and 404 have a defined meaning; a proxy's error page must not be read as one of them.
_UNDECIDED = frozenset({_UNAUTHORIZED, _NOT_FOUND})
_SAY_ENOUGH = frozenset({406, 451})
# GitHub REST, "Rate limits for the REST API": without a header, wait at least a minute.
_SECONDARY_LIMIT_SECONDS = 60
_MAX_WAIT_SECONDS = 3600
_DOCUMENTATION_HOSTS = frozenset({"github.com", "docs.github.com"})
# Attack: a link in a CI log can be clicked. So only links to GitHub's documentation are passed on.
_LINK = re.compile(r"\(?(?:[a-z][a-z0-9+.-]*:/+|www\.)\S*", re.IGNORECASE)
_DOCUMENTATION = re.compile(r"https://[A-Za-z0-9.-]+(?::[0-9]+)?/[A-Za-z0-9/_.@#=?&%-]{0,200}")


def message_of(answer: Answer) -> str:
    """Return GitHub's ``message`` on one line and without links, at most 300 characters; empty without one."""
    return one_line(_LINK.sub(" ", _raw_message(answer)[: 4 * MAX_QUOTED]).replace('"', "'"), MAX_QUOTED)


def _raw_message(answer: Answer) -> str:
    try:
        message = answer.json_object().get("message")
    except Unusable:
        return ""
    return message if isinstance(message, str) else ""


def is_unknown_app(answer: Answer) -> bool:
    """Tell whether a 404 means that the App itself does not exist."""
    return answer.status == _NOT_FOUND and "integration not found" in message_of(answer).lower()


def is_not_found(answer: Answer) -> bool:
    """Tell whether GitHub itself answers that the requested resource does not exist.

    GitHub's 404 is JSON with ``message``. Any other 404 comes from a proxy or a wrong GITHUB_API_URL.
    """
    return answer.status == _NOT_FOUND and bool(message_of(answer)) and not is_unknown_app(answer)


def rate_limit(answer: Answer, now: float) -> GitHubRateLimited | None:
    """Return the failure if ``answer`` is a primary or secondary limit (GitHub REST: Rate limits)."""
    if answer.status not in {_FORBIDDEN, _TOO_MANY_REQUESTS}:
        return None
    after = answer.retry_after()
    if after is not None:
        return _limited("secondary limit", after)
    if answer.headers.get("x-ratelimit-remaining") == "0":
        return _limited("primary limit", _until_reset(answer, now))
    if answer.status == _TOO_MANY_REQUESTS or "rate limit" in message_of(answer).lower():
        return _limited("secondary limit", _SECONDARY_LIMIT_SECONDS)
    return None


def quota_of(answer: Answer) -> dict[str, int]:
    """Return the ``x-ratelimit-*`` fields that are numbers (GitHub REST: Rate limits)."""
    found = {
        name: answer.headers.get(f"x-ratelimit-{name}", "") for name in ("limit", "remaining", "used", "reset")
    }
    return {name: int(text) for name, text in found.items() if text.isascii() and text.isdigit() and len(text) < 13}  # noqa: PLR2004


def refusal(answer: Answer, *, doing: str, org: Org, now: float, api_host: str = "") -> MintError:
    """Return the failure for an answer that is neither a success nor a documented negative answer.

    ``doing`` names the request for the operator's log. Links to ``api_host``, the API's own host, stay in the
    sentence.
    """
    limited = rate_limit(answer, now)
    if limited is not None:
        return limited
    message = message_of(answer)
    if not is_lasting(answer.status):
        return GitHubUnavailable(detail=f"{doing}: status {answer.status} {message}".rstrip())
    if _is_foreign(answer, message):
        return _foreign(answer, f"{NOT_GITHUB}: {doing}: status {answer.status} without GitHub's JSON")
    if answer.status == _FORBIDDEN and "suspended" in message.lower():
        return suspended(org)
    if answer.status == _UNAUTHORIZED or is_unknown_app(answer):
        return InvalidRoleKey(detail=f"{doing}: GitHub refuses the App's JWT: {message}")
    return refused(answer, doing=doing, org=org, api_host=api_host)


def _is_foreign(answer: Answer, message: str) -> bool:
    """Tell whether another server refused: GitHub's errors and redirects are JSON with ``message``."""
    if answer.status == _PROXY_AUTHENTICATION:
        return True
    if answer.status in _UNDECIDED or answer.status < _BAD_REQUEST:
        return not message
    # GitHub's 406 and 451 can come without JSON.
    return answer.status not in _SAY_ENOUGH and bool(answer.body) and not _raw_message(answer)


def refused(answer: Answer, *, doing: str, org: Org, api_host: str = "") -> GitHubRefused:
    """Return the failure for a permanent refusal, with GitHub's own sentence for the caller."""
    message = message_of(answer)
    reason = f'says: "{message}"' if message else "gives no reason"
    page = _documentation(answer, api_host)
    return GitHubRefused(
        f"GitHub refuses this request for {org} (status {answer.status}) and {reason}"
        f"{f' (documentation: {page})' if page else ''}. Fix: an owner of {org} or the mint's operator has to "
        "change this on GitHub; a retry does not help.",
        detail=f"{doing}: status {answer.status} {message or 'without a message'}",
    )


def _foreign(answer: Answer, detail: str) -> MintError:
    """Return the failure for a refusal by a proxy, or by another service at GitHub's address."""
    if answer.status in _UNDECIDED:
        return NotGitHub(detail=detail)
    return GitHubRefused(
        f"GitHub's address answered {answer.status} without GitHub's JSON. {_CHECK_ROUTE}",
        detail=detail,
    )


def not_github(detail: str) -> GitHubUnavailable:
    """Return the failure for an answer that cannot be GitHub's; ``detail`` is for the operator's log."""
    return GitHubUnavailable(
        f"The mint's {NOT_GITHUB}. Fix: the mint's operator has to correct GITHUB_API_URL.",
        detail=f"{NOT_GITHUB}: {detail}",
    )


def suspended(org: Org) -> InstallationSuspended:
    """Return the failure for a suspended installation."""
    return InstallationSuspended(
        f"The role's GitHub App is suspended on {org}. Fix: an owner unsuspends it in the settings of {org} under "
        "'GitHub Apps'."
    )


def no_answer(error: OutboundError) -> MintError:
    """Return the failure for a call to GitHub that has no answer."""
    if isinstance(error, RouteRefused):
        return GitHubRefused(f"The mint's proxy refuses to connect to GitHub. {_CHECK_ROUTE}", detail=str(error))
    kind = UpstreamTimeout if isinstance(error, DeadlineExceeded) else GitHubUnavailable
    return kind(detail=str(error))


def _limited(kind: str, seconds: float) -> GitHubRateLimited:
    wait = max(1, math.ceil(min(_MAX_WAIT_SECONDS, seconds)))
    return GitHubRateLimited(detail=f"GitHub {kind}, for {wait} s", retry_after=wait)


def _until_reset(answer: Answer, now: float) -> float:
    reset = answer.headers.get("x-ratelimit-reset", "")
    return float(reset) - now if reset.isascii() and reset.isdigit() else _SECONDARY_LIMIT_SECONDS


def _documentation(answer: Answer, api_host: str) -> str:
    """Return ``documentation_url`` if it leads to GitHub or to the API's own host, else an empty string."""
    try:
        url = answer.json_object().get("documentation_url")
    except Unusable:
        return ""
    if not isinstance(url, str) or not _DOCUMENTATION.fullmatch(url):
        return ""
    parts = urlsplit(url)
    own = bool(api_host) and parts.netloc.lower() == api_host.lower()
    return url if parts.netloc.lower() in _DOCUMENTATION_HOSTS or own else ""
