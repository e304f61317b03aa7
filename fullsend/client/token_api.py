"""The two things a caller asks GitHub about its token: is it usable yet, and revoke it.

GitHub REST: "Revoke an installation access token", "List repositories accessible to the app installation".
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from http import HTTPStatus

import requests

from fullsend.client.errors import GitHubTokenError
from fullsend.client.retry import RetryPolicy, is_retryable, retry_after
from fullsend.client.transport import Answer, NoAnswerError, exchange
from fullsend.client.urls import credential_url

API_URL = "GITHUB_API_URL"
"""The variable that names the GitHub of a job; a runner sets it."""
DEFAULT_API_URL = "https://api.github.com"
API_VERSION = "2022-11-28"
GITHUB_SECONDS = 20.0
"""The bound on a revocation, or on waiting until a token is usable."""
FRESH_SECONDS = 5.0
"""How long after its making GitHub may still not know a token."""
# A fresh token is refused with these for a second or more.
_NOT_YET = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})


def job_api_url() -> str:
    """Return the API of the GitHub that this job belongs to."""
    return os.environ.get(API_URL) or DEFAULT_API_URL


def unknown_to(api_url: str) -> str:
    """Say what GitHub's 401 to a revocation may mean."""
    return f"{api_url} does not know the token: it was gone already, or never was a token of that GitHub"


@dataclass(frozen=True, slots=True)
class TokenApi:
    """GitHub, asked with a token. Raises `MintConfigurationError` for a URL it may not go to.

    The GitHub is the job's own unless it is named.
    """

    api_url: str = field(default_factory=job_api_url)
    session: requests.Session = field(default_factory=requests.Session, repr=False)
    retry: RetryPolicy = field(default_factory=lambda: RetryPolicy(total_seconds=GITHUB_SECONDS))

    def __post_init__(self) -> None:
        url = credential_url(self.api_url, what=API_URL, example=DEFAULT_API_URL, code="github_url_invalid")
        object.__setattr__(self, "api_url", url)

    def revoke(self, token: str, *, fresh: bool = False) -> bool:
        """Revoke a token; False when GitHub does not know it. Raises `GitHubTokenError` when it may live on.

        A token made seconds ago is `fresh`: GitHub's 401 may mean that it does not know it yet, so
        it is asked again before the token counts as gone.
        """
        answer = self._ask("DELETE", "/installation/token", token, code="github_revoke_failed")
        attempts = RetryPolicy(
            FRESH_SECONDS, now=self.retry.now, sleep=self.retry.sleep, jitter=self.retry.jitter
        ).start()
        while fresh and answer.status == HTTPStatus.UNAUTHORIZED and attempts.wait():
            answer = self._ask("DELETE", "/installation/token", token, code="github_revoke_failed")
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
        """Return when GitHub takes the token. Raises `GitHubTokenError` when it does not in time."""
        attempts = self.retry.start()
        while True:
            status, reason = self._try(token, attempts.left)
            if status == HTTPStatus.OK:
                return
            why = f"GitHub does not take the new token yet: {reason}."
            if not attempts.wait(why=why):
                raise GitHubTokenError(
                    why,
                    code="github_token_not_usable",
                    status=status,
                )

    def _try(self, token: str, seconds: float) -> tuple[int | None, str]:
        try:
            answer = self._send("GET", "/installation/repositories?per_page=1", token, seconds)
        except NoAnswerError as error:
            return None, str(error)
        if answer.status == HTTPStatus.OK or answer.status in _NOT_YET or is_retryable(answer.status):
            return answer.status, f"it answers {answer.status}"
        raise GitHubTokenError(
            f"GitHub answered {answer.status} to the new token.",
            code="github_token_not_usable",
            status=answer.status,
        )

    def _ask(self, method: str, path: str, token: str, *, code: str) -> Answer:
        attempts = self.retry.start()
        while True:
            try:
                answer = self._send(method, path, token, attempts.left)
            except NoAnswerError as error:
                why = f"GitHub was not reached: {error}."
                if not attempts.wait(why=why):
                    raise GitHubTokenError(why, code=code) from error
                continue
            if not is_retryable(answer.status):
                return answer
            if not attempts.wait(retry_after(answer.headers), why=f"GitHub answers {answer.status}."):
                return answer

    def _send(self, method: str, path: str, token: str, seconds: float) -> Answer:
        return exchange(
            self.session,
            method,
            self.api_url + path,
            bearer=token,
            seconds=max(seconds, 1.0),
            headers={"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": API_VERSION},
        )
