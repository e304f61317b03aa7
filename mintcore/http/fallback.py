"""The fallback mint, for the roles this one does not hold: the request goes on, the answer comes back.

It decides nothing about trust: the fallback mint verifies the token itself. Of the caller's headers only the
bearer and the content type go on. An answer is never asked for twice, because the fallback mint and the caller
both have a patience of their own, and three times three times three is a storm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug import Response

from mintcore.errors import FallbackUnavailable, InvalidToken
from mintcore.outbound.answer import OutboundError

if TYPE_CHECKING:
    from werkzeug.datastructures import Headers

    from mintcore.observe.log import JsonLog
    from mintcore.outbound.answer import Answer
    from mintcore.outbound.channel import Channel
    from mintcore.policy.names import Role
    from mintcore.policy.roles import RoleBook
    from mintcore.request import RequestContext

FORWARDED = "X-Fullsend-Mint-Forwarded"
"""Marks a request that a mint has sent on; it is not sent on again."""

# The body's own headers, and what a caller needs in order to try again.
_RETURNED = ("Content-Type", "Content-Encoding", "Retry-After", "WWW-Authenticate")
_CIRCLE = (
    "This mint does not hold the role, and the request had already been forwarded to it by another mint; the "
    "operator has to end the chain, or circle, of FALLBACK_MINT_URL settings."
)


class UpstreamMint:
    """Another mint behind this one; a :class:`~mintcore.http.endpoint.Fallback`."""

    def __init__(self, channel: Channel, roles: RoleBook, log: JsonLog) -> None:
        self._channel = channel
        self._holds = roles.holds
        self._log = log

    def serves(self, role: Role) -> bool:
        """Whether the role is not held here."""
        return role not in self._holds

    def forward(self, unverified_token: str, body: bytes, headers: Headers, context: RequestContext) -> Response:
        """Return the fallback mint's answer as it is. Raises FallbackUnavailable, or InvalidToken as it would."""
        if FORWARDED in headers:
            # Two mints that name each other would otherwise pass one request to and fro until both are full.
            self._note("WARNING", "not forwarded: another mint had forwarded it here", context)
            raise FallbackUnavailable(_CIRCLE)
        if not _fits_a_header(unverified_token):
            raise InvalidToken(detail="a bearer that is no JWT and fits no header")
        sent = {"Authorization": f"Bearer {unverified_token}", FORWARDED: "1"}
        content_type = headers.get("Content-Type", "")
        if content_type and _fits_a_header(content_type):
            sent["Content-Type"] = content_type
        try:
            with context.step("fallback"):
                answer = self._channel.send(
                    "POST", "/v1/token", headers=sent, body=body, context=context, repeat_answers=False
                )
        except OutboundError as error:
            self._note("WARNING", f"no answer: {error}", context)
            raise FallbackUnavailable(detail=str(error)) from None
        self._note("INFO", f"status {answer.status}", context, answer.headers.get("x-request-id", ""))
        return _as_it_is(answer)

    def _note(self, severity: str, what: str, context: RequestContext, upstream_id: str = "") -> None:
        fields = {"request_id": context.request_id, "step_ms": context.step_ms}
        if upstream_id:
            fields["upstream_request_id"] = upstream_id[:128]
        self._log.write(severity, f"fallback: {what}", fields, context.trace)


def _fits_a_header(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _as_it_is(answer: Answer) -> Response:
    response = Response(answer.body, answer.status)
    response.headers.remove("Content-Type")  # werkzeug's own, where the fallback mint may have given none
    for name in _RETURNED:
        if name.lower() in answer.headers:
            response.headers[name] = answer.headers[name.lower()]
    return response
