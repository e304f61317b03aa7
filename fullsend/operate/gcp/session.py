"""Call a Google API: send the request, retry transient failures, and explain refusals.

All adapters share its time limits and error texts. It uses plain REST over `fullsend.net`.
"""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from fullsend.net.failures import NoAnswerError, NotConnectedError, UnusableRouteError
from fullsend.net.retry import Retry, RetryPolicy, repeat
from fullsend.net.transport import Transport
from fullsend.operate.gcp import endpoints, google_errors
from fullsend.operate.gcp.login import Login
from fullsend.operate.gcp.resource_api import Api
from fullsend.operate.operate_errors import Conflict, GoogleFailed, NotReady

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fullsend.operate.gcp.resource_api import ApiRequest

CALL_SECONDS = 60.0
"""For one attempt."""
UPLOAD_SECONDS = 300.0
RETRY_SECONDS = 90.0
FIRST_WAIT = 0.5
MAX_WAIT = 16.0
MAX_ATTEMPTS = 50
FIRST_POLL = 0.2
MAX_POLL = 5.0
OPERATION_SECONDS = 900.0
QUIET_SECONDS = 2.0
"""Shorter waits are not reported."""
BAD_REQUEST = 400
_UNREAD = (
    "This call only reads, so nothing was changed. Check the network and the proxy (HTTPS_PROXY), then "
    "run it again."
)
_UNSENT = (
    "This call changed nothing. Check the network and the proxy (HTTPS_PROXY). Run the command again: it "
    "continues from there."
)
_UNKNOWN = (
    "The call may or may not have taken effect. Run the command again: it checks first and continues from there."
)


@dataclass
class Session:
    """The operator's connection to Google for one project; time and jitter are passed in."""

    project: str
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    retry_seconds: float = RETRY_SECONDS
    report: Callable[[str], None] = lambda _: None
    """Called with the reason before each retry, so the operator knows why the command waits."""
    just_enabled: set[str] = field(default_factory=set)
    """APIs that Google may still report as disabled for a moment."""
    transport: Transport = field(init=False, repr=False)
    login: Login = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.transport = Transport(self.environment)
        self.login = Login(self.project, self.environment, self.transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Keep nothing open."""

    def api(self, name: str, version: str) -> Api:
        """Return an API, such as `run` in `v2`."""
        return Api(self, name, version)

    def send(self, request: ApiRequest, what: str, *, guarded: bool = False) -> dict[str, Any]:
        """Send a request and return the answer; `what` finishes "Google refused to …".

        Transient failures (429, 502 to 504, ABORTED, a service account that is not visible yet) are retried with
        backoff. After a lost connection, reads are retried, and writes that were not sent. A `guarded` request
        carries the etag of a read, so after a conflict the caller must read again. Raises OperateError.
        """
        policy = RetryPolicy(
            total_seconds=self.retry_seconds,
            first_wait=FIRST_WAIT,
            max_wait=MAX_WAIT,
            max_attempts=MAX_ATTEMPTS,
            quiet_seconds=QUIET_SECONDS,
            now=self.now,
            sleep=self.sleep,
            jitter=self.jitter,
            on_wait=self.report,
        )
        return repeat(policy, lambda seconds: self._attempt(request, what, seconds, guarded=guarded))

    def _attempt(
        self, request: ApiRequest, what: str, seconds: float, *, guarded: bool
    ) -> dict[str, Any] | Retry[dict[str, Any]]:
        """Return the answer, or an error that may pass. Raises OperateError for a final one."""
        endpoint = endpoints.endpoint(self.environment, request.api)
        headers = self.login.headers(endpoint)
        try:
            answer = self.transport.exchange(
                request.method,
                endpoint + request.target,
                seconds=min(CALL_SECONDS, seconds),
                headers=headers,
                json=request.body,
            )
        except NoAnswerError as error:
            return self._unanswered(request, what, error)
        if answer.status < BAD_REQUEST:
            return _object(answer.body and answer.json(), what)
        refusal = google_errors.read(answer.status, answer.body, answer.headers.get("retry-after", ""))
        found = google_errors.explain(
            refusal,
            what=what,
            project=self.project,
            permission_hint=request.permission_hint,
            principal=self.login.principal() if refusal.http == google_errors.FORBIDDEN else "",
        )
        transient = refusal.is_transient or refusal.disabled_api in self.just_enabled
        if not transient or (guarded and isinstance(found, Conflict)):
            raise found
        return Retry(found, refusal.wait_seconds, found.message)

    @staticmethod
    def _unanswered(request: ApiRequest, what: str, error: NoAnswerError) -> Retry[dict[str, Any]]:
        lost = f"Google did not answer when asked to {what}: {error}."
        unsent = isinstance(error, NotConnectedError)
        if isinstance(error, UnusableRouteError):
            raise GoogleFailed(lost, _UNSENT) from error
        if request.method == "GET":
            return Retry(GoogleFailed(lost, _UNREAD), why=lost)
        if unsent:
            return Retry(GoogleFailed(lost, _UNSENT), why=lost)
        raise GoogleFailed(lost, _UNKNOWN) from error

    def upload(self, url: str, data: bytes, content_type: str, what: str) -> None:
        """PUT bytes to a signed URL, without credentials: the URL itself is the permission."""
        try:
            answer = self.transport.exchange(
                "PUT", url, seconds=UPLOAD_SECONDS, headers={"Content-Type": content_type}, body=data
            )
        except NoAnswerError as error:
            raise GoogleFailed(f"Google did not answer when asked to {what}: {error}.", _UNSENT) from error
        if answer.status >= BAD_REQUEST:
            refusal = google_errors.read(answer.status, answer.body)
            hint = "cloudfunctions.functions.sourceCodeSet"
            raise google_errors.explain(refusal, what=what, project=self.project, permission_hint=hint)

    def finish(self, api: Api, operation: dict[str, Any], what: str) -> dict[str, Any]:
        """Wait for a long-running operation and return its response.

        Raises NotReady when it fails or takes longer than a quarter of an hour.
        """
        ends, pause = self.now() + OPERATION_SECONDS, FIRST_POLL
        while not operation.get("done"):
            if self.now() > ends:
                raise NotReady(
                    f"Google was asked to {what} and has not finished after {OPERATION_SECONDS:.0f} seconds; "
                    "it continues without this command.",
                    "Run the command again later: it checks first and continues from there.",
                )
            self.sleep(pause)
            pause = min(MAX_POLL, pause * 1.5)
            operation = api.get(str(operation["name"]), what)
        if operation.get("error"):
            raise google_errors.failed(operation["error"], what=what, project=self.project)
        response: dict[str, Any] = operation.get("response", {})
        return response


def _object(found: object, what: str) -> dict[str, Any]:
    if not found:
        return {}
    if not isinstance(found, dict):
        raise GoogleFailed(f"Google's answer is not a JSON object when asked to {what}.", _UNKNOWN)
    return found
