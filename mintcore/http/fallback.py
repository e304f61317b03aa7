"""Forward requests for roles that this mint does not hold to the fallback mint, and return its answers.

A token is forwarded only after the local checks. Otherwise a misspelled role would send unchecked text, or a
genuine token for another service, to the fallback mint. Only the bearer and the content type of the caller's
headers are forwarded. The request is sent once, because retries at each hop would multiply.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from werkzeug import Response

from mintcore.errors import FallbackUnavailable, InvalidToken, MintError
from mintcore.http.breaker import CircuitBreaker, CircuitOpen
from mintcore.outbound.answer import OutboundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.datastructures import Headers

    from mintcore.observe.log import JsonLog
    from mintcore.outbound.answer import Answer
    from mintcore.outbound.channel import Channel
    from mintcore.policy.names import Role
    from mintcore.policy.roles import RoleBook
    from mintcore.request import RequestContext

FORWARDED = "X-Fullsend-Mint-Forwarded"
"""Marks a forwarded request; it is not forwarded again."""

# The headers about the body, and those that tell a caller whether and when to retry.
_RETURNED = ("Content-Type", "Content-Encoding", "Retry-After", "X-Should-Retry", "WWW-Authenticate")
_FINAL = range(200, 600)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_CIRCLE = (
    "This mint does not hold the role, and another mint has already forwarded the request to it. Fix: the operator "
    "removes the chain or circle of FALLBACK_MINT_URL settings."
)


class UpstreamMint:
    """Another mint behind this one; a :class:`~mintcore.http.endpoint.Fallback`.

    ``check`` verifies a token's issuer, audience, times and signature here, or raises a MintError.
    """

    def __init__(
        self,
        channel: Channel,
        roles: RoleBook,
        log: JsonLog,
        *,
        check: Callable[[str, RequestContext], object],
        breaker: CircuitBreaker,
    ) -> None:
        self._channel = channel
        self._holds = roles.holds
        self._log = log
        self._check = check
        self._breaker = breaker

    def serves(self, role: Role) -> bool:
        """Return whether the role is not held here."""
        return role not in self._holds

    def forward(self, unverified_token: str, body: bytes, headers: Headers, context: RequestContext) -> Response:
        """Return the fallback mint's answer unchanged.

        Raises FallbackUnavailable, InvalidToken or IssuerUnavailable.
        """
        if not _fits_a_header(unverified_token):
            raise InvalidToken(detail="a bearer that is not a JWT and fits no header")
        try:
            with context.step("check"):
                self._check(unverified_token, context)
        except MintError as failure:
            self._note("WARNING", f"not forwarded: {failure}", context)
            raise
        if FORWARDED in headers:
            # Otherwise two mints that name each other would forward one request forever, and use up their threads.
            self._note("WARNING", "not forwarded: another mint had forwarded it here", context)
            raise FallbackUnavailable(_CIRCLE)
        sent = {"Authorization": f"Bearer {unverified_token}", FORWARDED: "1"}
        content_type = headers.get("Content-Type", "")
        if content_type and _fits_a_header(content_type):
            sent["Content-Type"] = content_type
        answer = self._ask(sent, body, context)
        self._note("INFO", f"status {answer.status}", context, answer.headers.get("x-request-id", ""))
        return _as_it_is(answer)

    def _ask(self, headers: dict[str, str], body: bytes, context: RequestContext) -> Answer:
        try:
            with self._breaker.calling(OutboundError), context.step("fallback"):
                answer = self._channel.send(
                    "POST", "/v1/token", headers=headers, body=body, context=context, repeat_answers=False
                )
        except CircuitOpen as rest:
            self._note("WARNING", f"not asked: {rest}", context)
            raise FallbackUnavailable(detail=str(rest), retry_after=rest.retry_after) from None
        except OutboundError as error:
            self._note("WARNING", f"no answer: {error}", context)
            raise FallbackUnavailable(detail=str(error)) from None
        unusable = _unusable(answer)
        if unusable:
            self._note("WARNING", f"unusable answer: {unusable}", context)
            raise FallbackUnavailable(detail=unusable)
        return answer

    def _note(self, severity: str, what: str, context: RequestContext, upstream_id: str = "") -> None:
        fields = {"request_id": context.request_id, "step_ms": context.step_ms}
        if upstream_id:
            fields["upstream_request_id"] = upstream_id[:128]
        self._log.write(severity, f"fallback: {what}", fields, context.trace)


def _fits_a_header(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _unusable(answer: Answer) -> str:
    """Return why the answer cannot be passed on, empty if it can."""
    if answer.status not in _FINAL:
        return f"status {answer.status}"
    broken = [name for name in _RETURNED if _CONTROL.search(answer.headers.get(name.lower(), ""))]
    return f"a control character in {broken[0]}" if broken else ""


def _as_it_is(answer: Answer) -> Response:
    response = Response(answer.body, answer.status)
    response.headers.remove("Content-Type")  # werkzeug adds one, and the fallback mint may have sent none
    for name in _RETURNED:
        if name.lower() in answer.headers:
            response.headers[name] = answer.headers[name.lower()]
    return response
