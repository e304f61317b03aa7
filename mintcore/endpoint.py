"""The HTTP edge: routes, the body's limit, request ids, and every failure as JSON.

A callable on a werkzeug request, so that the function framework and the standalone server run the same code.
It decides nothing about trust.
"""

from __future__ import annotations

import json
import os
import re
import traceback
from typing import TYPE_CHECKING, Any, Protocol

from werkzeug import Response

from mintcore.errors import (
    BodyTooLarge,
    InternalError,
    InvalidJson,
    MethodNotAllowed,
    MintError,
    MissingBearer,
    NotFound,
)
from mintcore.policy.token_request import parse_token_query, parse_token_request
from mintcore.ports import Answered, Attempt, Deadline
from mintcore.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from werkzeug import Request
    from werkzeug.datastructures import Headers

    from mintcore.audit import JsonLog
    from mintcore.policy.names import Role
    from mintcore.ports import Clock, Observer
    from mintcore.service import MintService

LARGEST_BODY = 64 * 1024
METRICS_PATH = "/metrics"
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Read and thrown away, so that a client that sends too much gets its answer and not a broken connection.
_LARGEST_DRAIN = 8 * 1024 * 1024
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_TRACE = re.compile(r"(?:00-)?([0-9a-f]{32})(?:[-/;].*)?")
_METHODS = {
    "/": ("POST",),
    "/v1/token": ("POST",),
    "/v1/status": ("GET", "HEAD"),
    "/health": ("GET", "HEAD"),
}


class Fallback(Protocol):
    """Another mint, for the roles this one does not hold."""

    def serves(self, role: Role) -> bool:
        """Whether the role is the other mint's."""

    def forward(self, unverified_token: str, body: bytes, headers: Headers, attempt: Attempt) -> Response:
        """Return the other mint's answer as it is. Raises FallbackUnavailable.

        ``headers`` are all of the caller's; what of them goes on is the fallback's to choose.
        """


class Endpoint:
    """Answers requests; nothing that a caller sends makes it raise.

    ``service`` returns the mint once it is built. ``unhealthy`` is why this mint cannot mint at all, if it
    cannot: the reason ``/health`` gives with its 503.
    """

    def __init__(
        self,
        *,
        service: Callable[[], MintService],
        clock: Clock,
        log: JsonLog,
        deadline_seconds: float,
        unhealthy: str = "",
        fallback: Fallback | None = None,
        observers: Sequence[Observer] = (),
        metrics: Callable[[], str] | None = None,
    ) -> None:
        self._service = service
        self._clock = clock
        self._log = log
        self._deadline_seconds = deadline_seconds
        self._unhealthy = unhealthy
        self._fallback = fallback
        self._observers = tuple(observers)
        self._metrics = metrics
        self._methods = _METHODS if metrics is None else {**_METHODS, METRICS_PATH: ("GET", "HEAD")}

    def __call__(self, request: Request) -> Response:
        """Return the answer to ``request``."""
        attempt = Attempt(Deadline(self._clock, self._deadline_seconds), _request_id(request), _trace(request))
        code = ""
        try:
            response = self._route(request, attempt)
        except MintError as failure:
            code = failure.code
            response = _failure(failure, attempt)
        except Exception as error:  # noqa: BLE001 - the last line: a traceback is for the log, never for a caller
            self._log_crash(error, attempt)
            code = InternalError.code
            response = _failure(InternalError(), attempt)
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Request-Id"] = attempt.request_id
        if self._observers:
            self._tell(request, response.status_code, code, attempt)
        return response

    def _tell(self, request: Request, status: int, code: str, attempt: Attempt) -> None:
        """Tell those who watch; whatever happens to them, the caller has its answer."""
        # A path or a method of the caller's own making would make a new series each time: memory for the asking.
        route = request.path if request.path in self._methods else "other"
        answered = Answered(route, status, code, request.headers.get("traceparent", ""), attempt)
        for observer in self._observers:
            try:
                observer.answered(answered)
            except Exception as error:  # noqa: BLE001 - see above
                self._log_crash(error, attempt)

    def _route(self, request: Request, attempt: Attempt) -> Response:
        methods = self._methods.get(request.path)
        if methods is None:
            raise NotFound
        if request.method not in methods:
            raise MethodNotAllowed(methods)
        if request.path == "/health":
            return self._health()
        if request.path == "/v1/status":
            return self._status(request, attempt)
        if request.path == METRICS_PATH and self._metrics is not None:
            return Response(self._metrics(), content_type=METRICS_TYPE)
        return self._token(request, attempt)

    def _health(self) -> Response:
        if self._unhealthy:
            return _json({"status": "unavailable", "reason": self._unhealthy, "version": VERSION}, 503)
        return _json({"status": "ok", "version": VERSION})

    def _status(self, request: Request, attempt: Attempt) -> Response:
        unverified_token = _bearer(request)
        asked = parse_token_query(request.args.getlist("role"), request.args.getlist("repos"))
        status = self._service().status(unverified_token, asked, attempt)
        fields: dict[str, Any] = {
            "org": status.org,
            "roles": list(status.roles),
            "workflow_allowed": status.workflow_allowed,
            "version": VERSION,
        }
        if asked is not None and status.decision is not None:
            fields["request"] = {"role": asked.role, "repos": list(asked.repos)}
            fields["allowed"] = status.decision.allowed
            fields["rules"] = [rule.fields() for rule in status.decision.rules]
        return _json(fields)

    def _token(self, request: Request, attempt: Attempt) -> Response:
        unverified_token = _bearer(request)
        body = _body(request)
        # The time is for outside calls. Whoever sends slowly spends nobody's, least of all that of a call which
        # others wait for too.
        attempt.deadline = Deadline(self._clock, self._deadline_seconds)
        wanted = parse_token_request(body)
        if self._fallback is not None and self._fallback.serves(wanted.role):
            return self._fallback.forward(unverified_token, body, request.headers, attempt)
        issued = self._service().mint(unverified_token, wanted, attempt)
        return _json(
            {
                "token": issued.token.reveal(),
                "expires_at": issued.expires_at,
                "granted_repos": list(issued.repositories),
                "granted_permissions": dict(issued.permissions),
                "repository_selection": issued.repository_selection,
            }
        )

    def _log_crash(self, error: Exception, attempt: Attempt) -> None:
        """Log where it happened and not what it said: the text of a stranger's exception can hold a secret."""
        frames = traceback.extract_tb(error.__traceback__)
        places = [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
        fields = {"request_id": attempt.request_id, "exception": type(error).__name__, "stack": places}
        self._log.write("ERROR", f"internal error: {type(error).__name__}", fields, attempt.trace)


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise MissingBearer
    return token.strip()


def _body(request: Request) -> bytes:
    length = request.content_length
    if length is not None and length > LARGEST_BODY:
        _drain(request, length)
        raise BodyTooLarge(detail=f"a body of {length} bytes")
    try:
        body: bytes = request.stream.read(LARGEST_BODY + 1)
    # What a server raises for a body that breaks off or is framed wrongly differs from server to server.
    except Exception as error:  # noqa: BLE001 - see above
        raise InvalidJson(detail=f"the body could not be read: {type(error).__name__}") from None
    if len(body) > LARGEST_BODY:
        _drain(request, _LARGEST_DRAIN)
        raise BodyTooLarge(detail=f"a body of more than {LARGEST_BODY} bytes")
    return body


def _drain(request: Request, length: int) -> None:
    stream = request.environ["wsgi.input"]
    left = min(length, _LARGEST_DRAIN)
    try:
        while left > 0 and (chunk := stream.read(min(left, LARGEST_BODY))):
            left -= len(chunk)
    except Exception:  # noqa: BLE001 - the connection is gone, and with it who would read the answer
        return


def _request_id(request: Request) -> str:
    given = request.headers.get("X-Request-Id", "")
    return given if _REQUEST_ID.fullmatch(given) else os.urandom(16).hex()


def _trace(request: Request) -> str:
    """Return the trace id of ``traceparent`` (W3C Trace Context) or ``X-Cloud-Trace-Context``, if it is one."""
    for header in ("traceparent", "X-Cloud-Trace-Context"):
        match = _TRACE.fullmatch(request.headers.get(header, ""))
        if match:
            return match[1]
    return ""


def _failure(failure: MintError, attempt: Attempt) -> Response:
    fields = {"error": failure.public, "code": failure.code, "request_id": attempt.request_id}
    response = _json(fields, failure.status)
    response.headers.extend(failure.headers())
    return response


def _json(fields: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(fields), status, content_type="application/json")
