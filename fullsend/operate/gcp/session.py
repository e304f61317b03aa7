"""One call to a Google API: sent, repeated while that may help, and translated when it fails.

Decides patience and error words for all adapters. Knows no API.
"""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import google.auth.exceptions
import httplib2  # type: ignore[import-untyped]
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient import discovery
from googleapiclient.errors import HttpError

from fullsend.net.failures import cause
from fullsend.operate.gcp import endpoints, google_errors
from fullsend.operate.operate_errors import Conflict, GoogleFailed, LoginExpired, NotReady, OperateError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TIMEOUT_SECONDS = 60
PATIENCE_SECONDS = 90.0
FIRST_WAIT = 0.5
MAX_WAIT = 16.0
FIRST_POLL = 0.2
MAX_POLL = 5.0
OPERATION_SECONDS = 900.0
QUIET_SECONDS = 2.0
"""Waits shorter than this are not worth a word."""
_UNREAD = "This only reads and changed nothing. Check the network and the proxy (HTTPS_PROXY), then run it again."
_UNKNOWN = "Whether it was done is not known. Run the command again: it looks first and goes on from there."
_NETWORK = (OSError, httplib2.HttpLib2Error, google.auth.exceptions.TransportError)


@dataclass
class Session:
    """The operator's connection to Google for one project; time and dice are passed in."""

    project: str
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    patience_seconds: float = PATIENCE_SECONDS
    report: Callable[[str], object] = lambda _: None
    """Is told why a call that did not succeed yet is repeated, so the reader knows what the command waits for."""
    just_enabled: set[str] = field(default_factory=set)
    """APIs of which Google may say for another moment that they are disabled."""
    _services: dict[str, Any] = field(default_factory=dict, repr=False)

    def service(self, api: str, version: str) -> Any:
        """Return the client of an API, built from the discovery document that the library carries."""
        if api not in self._services:
            endpoint = endpoints.override(self.environment, api)
            http = AuthorizedHttp(
                endpoints.credentials(self.environment, endpoint, self.project),
                http=httplib2.Http(timeout=TIMEOUT_SECONDS),
            )
            http.follow_redirects = False
            self._services[api] = discovery.build(
                api,
                version,
                http=http,
                static_discovery=True,
                client_options={"api_endpoint": endpoint} if endpoint else None,
            )
        return self._services[api]

    def close(self) -> None:
        """Close every connection."""
        for service in self._services.values():
            service.close()
        self._services.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, request: Any, what: str, *, guarded: bool = False) -> dict[str, Any]:
        """Send a request and return the answer; `what` finishes "Google refused to …".

        Repeats what is passing (429, 502 to 504, ABORTED, a service account that is not known yet) with
        backoff. A connection that breaks is repeated for reads alone. A `guarded` request carries the etag of
        a read, so a conflict is final: the sender has to read again. Raises OperateError.
        """
        request.headers["x-goog-user-project"] = self.project
        ends = self.now() + self.patience_seconds
        wait = FIRST_WAIT
        while True:
            failure, told = self._attempt(request, what, guarded=guarded)
            if isinstance(failure, dict):
                return failure
            pause = max(told, wait * (0.5 + self.jitter() / 2))
            if told < 0 or self.now() + pause > ends:
                raise failure
            if pause >= QUIET_SECONDS:
                self.report(f"{failure.message} Trying again in {pause:.0f} s.")
            self.sleep(pause)
            wait = min(MAX_WAIT, wait * 2)

    def _attempt(self, request: Any, what: str, *, guarded: bool) -> tuple[dict[str, Any] | OperateError, float]:
        """Return the answer, or the error and the seconds Google asks to wait; -1 when it is final."""
        try:
            answer: dict[str, Any] = request.execute()
        except HttpError as error:
            refusal = google_errors.read(error.resp.status, error.content, error.resp.get("retry-after", ""))
            found = google_errors.explain(
                refusal, what=what, project=self.project, permission_hint=str(request.methodId)
            )
            passing = refusal.passing or refusal.disabled_api in self.just_enabled
            final = not passing or (guarded and isinstance(found, Conflict))
            return found, -1 if final else refusal.wait_seconds
        except (google.auth.exceptions.RefreshError, google.auth.exceptions.DefaultCredentialsError):
            return LoginExpired(
                f"Your Google login could not be renewed when asked to {what}; it has usually expired.",
                endpoints.LOG_IN,
            ), -1
        except _NETWORK as error:
            lost = f"The connection to Google broke when asked to {what} ({cause(error)})."
            if request.method == "GET":
                return GoogleFailed(lost, _UNREAD), 0
            return GoogleFailed(lost, _UNKNOWN), -1
        return answer or {}, 0

    def upload(self, url: str, data: bytes, content_type: str, what: str) -> None:
        """PUT bytes to a signed URL, without credentials: the URL itself is the permission."""
        http = httplib2.Http(timeout=TIMEOUT_SECONDS)
        try:
            response, body = http.request(url, "PUT", body=data, headers={"content-type": content_type})
        except _NETWORK as error:
            raise GoogleFailed(f"The connection broke when asked to {what}.", "Run the command again.") from error
        finally:
            http.close()
        if response.status >= google_errors.BAD_REQUEST:
            refusal = google_errors.read(response.status, body)
            raise google_errors.explain(
                refusal, what=what, project=self.project, permission_hint="cloudfunctions.functions.sourceCodeSet"
            )

    def finish(self, operation: dict[str, Any], poll: Callable[[str], Any], what: str) -> dict[str, Any]:
        """Wait for a long-running operation and return its response; `poll` makes the request for its name.

        Raises NotReady when it fails or takes longer than a quarter of an hour.
        """
        ends, pause = self.now() + OPERATION_SECONDS, FIRST_POLL
        while not operation.get("done"):
            if self.now() > ends:
                raise NotReady(
                    f"Google was asked to {what} and has not finished after {OPERATION_SECONDS:.0f} seconds; "
                    "it goes on without us.",
                    "Run the command again later: it looks first and goes on from there.",
                )
            self.sleep(pause)
            pause = min(MAX_POLL, pause * 1.5)
            operation = self.call(poll(operation["name"]), what)
        error = operation.get("error")
        if error:
            said = " ".join(str(error.get("message", "no reason given")).split())[: google_errors.MAX_SENTENCE]
            raise NotReady(f"Google could not {what}: {said}")
        response: dict[str, Any] = operation.get("response", {})
        return response
