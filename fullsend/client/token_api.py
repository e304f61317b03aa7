"""Ask GitHub whether a token is usable yet, and revoke tokens.

GitHub REST: "Revoke an installation access token", "List repositories accessible to the app installation".
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from fullsend.client.errors import FIX, GitHubTokenError, MintConfigurationError
from fullsend.failure import BadInput
from fullsend.github.api import GitHubApi, job_api_url
from fullsend.net.failures import NoAnswerError
from fullsend.net.retry import Retry, RetryPolicy, is_retryable, repeat
from fullsend.net.transport import Transport

if TYPE_CHECKING:
    from fullsend.net.answer import Answer

GITHUB_SECONDS = 20.0
"""The time limit of a revocation, and of the wait until a token is usable."""
FRESH_SECONDS = 5.0
"""How long GitHub may not know a new token."""
# A fresh token is refused with these for a second or more.
_NOT_YET = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})


def unknown_to(api_url: str) -> str:
    """Explain GitHub's 401 to a revocation."""
    return f"{api_url} does not know the token: it was revoked or has expired, or is another GitHub's"


@dataclass(frozen=True, slots=True)
class TokenApi:
    """Calls GitHub with a token. Raises `MintConfigurationError` for a URL that no token may be sent to.

    The default GitHub is the job's own.
    """

    api_url: str = field(default_factory=lambda: job_api_url(os.environ))
    transport: Transport = field(default_factory=Transport, repr=False)
    retry: RetryPolicy = field(default_factory=lambda: RetryPolicy(total_seconds=GITHUB_SECONDS))

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "api_url", GitHubApi(self.api_url).api_url)
        except BadInput as error:
            raise MintConfigurationError(
                f"{error.message.rstrip('.')}{FIX}{error.remedy}", code="github_url_invalid"
            ) from None

    def revoke(self, token: str, *, fresh: bool = False) -> bool:
        """Revoke a token; False when GitHub does not know it. Raises `GitHubTokenError` if it may still be valid.

        A token made seconds ago is `fresh`: GitHub's 401 may mean that it does not know the token yet, so the
        call is repeated before the token counts as gone.
        """

        def attempt(_: float) -> Answer | Retry[Answer]:
            answer = self._revoke(token)
            return Retry(answer) if fresh and answer.status == HTTPStatus.UNAUTHORIZED else answer

        answer = repeat(replace(self.retry, total_seconds=FRESH_SECONDS), attempt)
        if answer.status == HTTPStatus.NO_CONTENT:
            return True
        if answer.status == HTTPStatus.UNAUTHORIZED:
            return False
        raise GitHubTokenError(
            f"GitHub answered {answer.status} to the revocation of the token.",
            code="github_revoke_failed",
            status=answer.status,
        )

    def wait_usable(self, token: str) -> None:
        """Return when GitHub accepts the token. Raises `GitHubTokenError` when it does not in time."""

        def attempt(seconds: float) -> Retry[None] | None:
            status, reason = self._try(token, seconds)
            if status == HTTPStatus.OK:
                return None
            why = f"GitHub does not accept the new token yet: {reason}."
            return Retry(GitHubTokenError(why, code="github_token_not_usable", status=status), why=why)

        repeat(self.retry, attempt)

    def _try(self, token: str, seconds: float) -> tuple[int | None, str]:
        path = "/installation/repositories?per_page=1"
        try:
            answer = self._api().call_once("GET", path, token, seconds=seconds)
        except NoAnswerError as error:
            return None, str(error)
        if answer.status == HTTPStatus.OK or answer.status in _NOT_YET or is_retryable(answer.status):
            return answer.status, f"it answers {answer.status}"
        raise GitHubTokenError(
            f"GitHub answered {answer.status} to the new token.",
            code="github_token_not_usable",
            status=answer.status,
        )

    def _revoke(self, token: str) -> Answer:
        try:
            return self._api().call("DELETE", "/installation/token", token)
        except NoAnswerError as error:
            raise GitHubTokenError(
                f"GitHub gave no usable answer: {error}.", code="github_revoke_failed"
            ) from error

    def _api(self) -> GitHubApi:
        return GitHubApi(self.api_url, self.retry, self.transport)
