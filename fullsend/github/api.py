"""Call GitHub's REST API: its address, its headers, and one shared way to send requests.

It limits how long a call is repeated, and rejects answers that are not GitHub's. GitHub REST: "Troubleshooting".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from fullsend.failure import BadInput
from fullsend.net.failures import NoAnswerError
from fullsend.net.retry import RetryPolicy, is_retryable
from fullsend.net.transport import Transport
from fullsend.net.urls import UnsafeUrlError, credential_url
from mintcore.settings.service_url import github_api_instead_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fullsend.net.answer import Answer

API_VARIABLE = "GITHUB_API_URL"
"""The variable with the address of a job's GitHub API; a runner sets it."""
DEFAULT_API_URL = "https://api.github.com"
API_URL_FIX = (
    "Set GITHUB_API_URL to the API of the GitHub that the token is for: https://api.github.com (the default), or "
    "https://HOST/api/v3 of a GitHub Enterprise Server. GitHub Actions sets it itself."
)
HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
CALL_SECONDS = 30.0
"""The time for one call, retries included."""


def job_api_url(environ: Mapping[str, str]) -> str:
    """Return the API of the GitHub that the environment names."""
    return environ.get(API_VARIABLE) or DEFAULT_API_URL


class NotGitHubError(NoAnswerError):
    """The server is not GitHub's API: a proxy, or a server without `/api/v3`."""


@dataclass(frozen=True, slots=True)
class GitHubApi:
    """One GitHub. Raises BadInput for an address that no credential may be sent to."""

    api_url: str = DEFAULT_API_URL
    retry: RetryPolicy = field(default_factory=lambda: RetryPolicy(total_seconds=CALL_SECONDS))
    transport: Transport = field(default_factory=Transport)

    def __post_init__(self) -> None:
        try:
            url = credential_url(self.api_url, what=API_VARIABLE, example=DEFAULT_API_URL)
        except UnsafeUrlError as error:
            raise BadInput(f"{error}.", API_URL_FIX, code="github_url_invalid") from None
        # Attack, or a mistake: the token must not go to github.com itself, which is not the API.
        right = github_api_instead_of(url)
        if right:
            raise BadInput(
                f"{API_VARIABLE} is {url[:200]!r}, which is not the address of GitHub's API.",
                f"Set {API_VARIABLE} to {right}",
                code="github_url_invalid",
            )
        object.__setattr__(self, "api_url", url)

    def call(
        self,
        method: str,
        path: str,
        token: str = "",
        *,
        json: object = None,
        again: Callable[[int], bool] = is_retryable,
    ) -> Answer:
        """Send a call that may be repeated; return GitHub's answer with any status. Raises `NoAnswerError`."""
        answer = self.transport.send(
            method,
            self.api_url + path,
            retry=self.retry,
            again=again,
            authorization=_bearer(token),
            headers=HEADERS,
            json=json,
        )
        return self._checked(answer)

    def call_once(self, method: str, path: str, token: str, *, seconds: float) -> Answer:
        """Send a call once, without retries. Raises `NoAnswerError`."""
        answer = self.transport.exchange(
            method, self.api_url + path, seconds=seconds, authorization=_bearer(token), headers=HEADERS
        )
        return self._checked(answer)

    def _checked(self, answer: Answer) -> Answer:
        """Attack, or a mistake: another server's 401 or 404 must not count as GitHub's."""
        refused = HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
        if refused and message_of(answer) is None:
            raise NotGitHubError(
                f"the server at {self.api_url} does not speak GitHub's API "
                f"(status {answer.status} without GitHub's message)"
            )
        return answer


def message_of(answer: Answer) -> str | None:
    """Return the `message` of a refusal, or None if the answer is not GitHub's."""
    try:
        message = answer.json_object().get("message")
    except ValueError:
        return None
    return message if isinstance(message, str) else None


def _bearer(token: str) -> str:
    return f"Bearer {token}" if token else ""
