"""What GitHub's refusals mean. GitHub says 403 for a limit, a suspension and a missing right alike."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mintcore.errors import (
    GitHubRateLimited,
    GitHubUnavailable,
    InstallationSuspended,
    InvalidRoleKey,
    MintError,
    UpstreamTimeout,
)
from mintcore.outbound.answer import Answer, DeadlineExceeded, OutboundError, Unusable

if TYPE_CHECKING:
    from mintcore.policy.names import Org

_UNAUTHORIZED = 401
_FORBIDDEN = 403
_NOT_FOUND = 404
_TOO_MANY_REQUESTS = 429
# GitHub REST, "Rate limits for the REST API": without other word, wait at least a minute.
_SECONDARY_LIMIT_SECONDS = 60
_MAX_WAIT_SECONDS = 3600


def message_of(answer: Answer) -> str:
    """Return GitHub's own ``message``, empty where the answer has none; at most 300 characters."""
    try:
        message = answer.json_object().get("message")
    except Unusable:
        return ""
    return message[:300] if isinstance(message, str) else ""


def is_unknown_app(answer: Answer) -> bool:
    """Say whether a 404 is about the App itself, which does not exist, and not about what it asked for."""
    return answer.status == _NOT_FOUND and "integration not found" in message_of(answer).lower()


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


def _limited(kind: str, seconds: float) -> GitHubRateLimited:
    wait = max(1, math.ceil(min(_MAX_WAIT_SECONDS, seconds)))
    return GitHubRateLimited(detail=f"GitHub {kind}, for {wait} s", retry_after=wait)


def _until_reset(answer: Answer, now: float) -> float:
    reset = answer.headers.get("x-ratelimit-reset", "")
    return float(reset) - now if reset.isascii() and reset.isdigit() else _SECONDARY_LIMIT_SECONDS


def refusal(answer: Answer, *, doing: str, org: Org, now: float) -> MintError:
    """Return what an answer that is neither success nor a documented "no" means."""
    limited = rate_limit(answer, now)
    if limited is not None:
        return limited
    message = message_of(answer)
    if answer.status == _FORBIDDEN and "suspended" in message.lower():
        return suspended(org)
    if answer.status == _UNAUTHORIZED or is_unknown_app(answer):
        return InvalidRoleKey(detail=f"{doing}: GitHub refuses the App's JWT: {message}")
    return GitHubUnavailable(detail=f"{doing}: status {answer.status} {message}".rstrip())


def suspended(org: Org) -> InstallationSuspended:
    """Return the failure for a suspended installation."""
    return InstallationSuspended(
        f"The role's GitHub App is suspended on {org}; an owner has to unsuspend it in the settings of {org} under "
        "'GitHub Apps'."
    )


def no_answer(error: OutboundError) -> MintError:
    """Return the failure for a call to GitHub that has no answer."""
    return (
        UpstreamTimeout(detail=str(error))
        if isinstance(error, DeadlineExceeded)
        else GitHubUnavailable(detail=str(error))
    )
