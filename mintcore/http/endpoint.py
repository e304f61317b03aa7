"""Answer HTTP requests in both modes: routes, the request's deadline, and every failure as JSON.

The server calls :class:`Endpoint` with each werkzeug request. :mod:`mintcore.http.incoming` reads the parts of the
request, and :mod:`mintcore.service` decides what the caller gets.
"""

from __future__ import annotations

import json
import traceback
from typing import TYPE_CHECKING, Any, Protocol

from werkzeug import Response

from mintcore.errors import InternalError, MethodNotAllowed, MintError, NotFound
from mintcore.http.incoming import bearer_of, body_of, request_id_of, trace_of
from mintcore.http.page import page, wants_page
from mintcore.policy.token_request import parse_token_query, parse_token_request, warnings_of_query
from mintcore.request import AnswerRecord, Deadline, RequestContext
from mintcore.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from werkzeug import Request
    from werkzeug.datastructures import Headers

    from mintcore.clock import Clock
    from mintcore.observe.log import JsonLog
    from mintcore.policy.names import Role
    from mintcore.ports import Observer
    from mintcore.service import MintService

    _Handler = Callable[[Request, RequestContext], Response]

METRICS_PATH = "/metrics"
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_READ = ("GET", "HEAD")
_WRITE = ("POST",)


class Fallback(Protocol):
    """Another mint, for the roles this one does not hold."""

    def serves(self, role: Role) -> bool:
        """Return whether the other mint serves the role."""

    def forward(self, unverified_token: str, body: bytes, headers: Headers, context: RequestContext) -> Response:
        """Return the other mint's answer unchanged. Raises FallbackUnavailable.

        ``headers`` holds all headers of the caller; the fallback chooses which of them to forward.
        """


class Endpoint:
    """Answers requests; no request makes it raise.

    ``service`` returns the mint once it is built. ``unhealthy`` is the reason why this mint cannot mint, empty if
    it can; ``/health`` then answers 503 with this reason.
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
        self._routes: dict[str, tuple[tuple[str, ...], _Handler]] = {
            "/": (_WRITE, self._token),
            "/v1/token": (_WRITE, self._token),
            "/v1/status": (_READ, self._status),
            "/health": (_READ, self._health),
        }
        if metrics is not None:
            self._routes[METRICS_PATH] = (
                _READ,
                lambda _request, _context: Response(metrics(), content_type=METRICS_TYPE),
            )

    def __call__(self, request: Request) -> Response:
        """Return the answer to ``request``."""
        context = RequestContext(
            Deadline(self._clock, self._deadline_seconds), request_id_of(request), trace_of(request)
        )
        code = ""
        try:
            response = self._route(request, context)
        except MintError as failure:
            code = failure.code
            response = _failure(failure, context)
        except Exception as error:  # noqa: BLE001 - a traceback is for the log, never for a caller
            self._log_crash(error, context)
            code = InternalError.code
            response = _failure(InternalError(), context)
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Request-Id"] = context.request_id
        if self._observers:
            self._tell(request, response.status_code, code, context)
        return response

    def _tell(self, request: Request, status: int, code: str, context: RequestContext) -> None:
        """Tell the observers; the caller gets its answer even if they fail."""
        # Attack: each invented path would create a new metric series and use up memory.
        route = request.path if request.path in self._routes else "other"
        answered = AnswerRecord(
            route=route,
            status=status,
            code=code,
            traceparent=request.headers.get("traceparent", ""),
            context=context,
        )
        for observer in self._observers:
            try:
                observer.answered(answered)
            except Exception as error:  # noqa: BLE001 - see above
                self._log_crash(error, context)

    def _route(self, request: Request, context: RequestContext) -> Response:
        if wants_page(request):
            return page(self._unhealthy)
        route = self._routes.get(request.path)
        if route is None:
            raise NotFound
        methods, answer = route
        if request.method not in methods:
            raise MethodNotAllowed(methods)
        return answer(request, context)

    def _health(self, _request: Request, _context: RequestContext) -> Response:
        if self._unhealthy:
            return _json({"status": "unavailable", "reason": self._unhealthy, "version": VERSION}, 503)
        return _json({"status": "ok", "version": VERSION})

    def _status(self, request: Request, context: RequestContext) -> Response:
        unverified_token = bearer_of(request)
        query = dict(request.args.lists())
        asked = parse_token_query(query)
        status = self._service().status(unverified_token, asked, context)
        fields: dict[str, Any] = {
            "org": status.org,
            "roles": list(status.roles),
            "workflow_allowed": status.workflow_allowed,
            "version": VERSION,
        }
        if asked is not None and status.decision is not None:
            fields["request"] = asked.fields()
            fields["allowed"] = status.decision.allowed
            fields["rules"] = [rule.fields() for rule in status.decision.rules]
        warnings = warnings_of_query(query)
        if warnings:
            fields["warnings"] = list(warnings)
        return _json(fields)

    def _token(self, request: Request, context: RequestContext) -> Response:
        unverified_token = bearer_of(request)
        body = body_of(request)
        # Start the deadline after the body: a slow upload must not use up the time of outside calls.
        context.deadline = Deadline(self._clock, self._deadline_seconds)
        wanted = parse_token_request(body)
        if self._fallback is not None and self._fallback.serves(wanted.role):
            return self._fallback.forward(unverified_token, body, request.headers, context)
        minted = self._service().mint(unverified_token, wanted, context)
        issued = minted.token
        fields: dict[str, Any] = {
            "token": issued.token.reveal(),
            "expires_at": issued.expires_at,
            "granted_repos": list(issued.repositories),
            "granted_permissions": dict(issued.permissions),
            "repository_selection": issued.repository_selection,
        }
        if minted.warnings:
            fields["warnings"] = list(minted.warnings)
        return _json(fields)

    def _log_crash(self, error: Exception, context: RequestContext) -> None:
        """Log the place and not the exception's text, which can hold a secret."""
        frames = traceback.extract_tb(error.__traceback__)
        places = [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
        fields = {"request_id": context.request_id, "exception": type(error).__name__, "stack": places}
        self._log.write("ERROR", f"internal error: {type(error).__name__}", fields, context.trace)


def _failure(failure: MintError, context: RequestContext) -> Response:
    fields = {"error": failure.public, "code": failure.code, "request_id": context.request_id}
    response = _json(fields, failure.status)
    response.headers.extend(failure.headers())
    return response


def _json(fields: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(fields), status, content_type="application/json")
