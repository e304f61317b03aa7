"""Exchange a caller's token at Google's Security Token Service.

A federated token in the answer proves that the workload identity provider accepts the caller's token. The federated
token is a credential for Google's APIs, so the mint drops it unread. The result is never cached.
"""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from mintcore.errors import InvalidToken, StsRefused, StsUnavailable
from mintcore.outbound.answer import OutboundError, RouteRefused, Unusable, is_lasting, is_transient
from mintcore.secret import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mintcore.outbound.answer import Answer
    from mintcore.outbound.channel import Channel
    from mintcore.request import RequestContext

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
SUBJECT_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:jwt"  # noqa: S105 - the name of a type
REQUESTED_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - the name of a type
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_PATH = "/v1/token"
_HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
_OK = 200
_MAX_SENTENCE = 300
# The statuses and errors with which STS refuses a token (RFC 6749 §5.2, RFC 8693 §2.2.2). A proxy can also send
# JSON.
_REFUSALS = frozenset({400, 401, 403})
_ERRORS = frozenset(
    {
        *("invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type"),
        *("invalid_scope", "invalid_target", "invalid_token", "access_denied"),
    }
)
# Words in Google's sentences about the provider's configuration, not the token.
_PROVIDER_ERRORS = frozenset({"invalid_target", "invalid_request", "unsupported_grant_type", "invalid_scope"})
# The only characters of a JWT; a form does not escape them (RFC 3986 §2.3).
_UNRESERVED = (string.ascii_letters + string.digits + "-._~").encode()
_PROVIDER_WORDS = re.compile(
    r"audience|issuer|mapping|mapped attribute|attribute value|obtain a value|jwks", re.IGNORECASE
)


class ProviderRefused(InvalidToken):
    """STS refuses for a reason in the provider's configuration, or because its API is disabled."""


class ConditionRefused(InvalidToken):
    """The provider's attribute condition does not admit the token."""


class SecurityTokenService:
    """Exchanges tokens against the providers of one workload identity pool."""

    def __init__(self, channel: Channel, *, project_number: str, pool: str) -> None:
        self._channel = channel
        location = f"//iam.googleapis.com/projects/{project_number}/locations/global"
        self._audience_prefix = quote(f"{location}/workloadIdentityPools/{pool}/providers/", safe="")
        self._same_each_time = urlencode(
            {
                "grant_type": GRANT_TYPE,
                "requested_token_type": REQUESTED_TOKEN_TYPE,
                "subject_token_type": SUBJECT_TOKEN_TYPE,
                "scope": _SCOPE,
            }
        )

    @property
    def answers_later(self) -> bool:
        """Whether :meth:`exchange` can send its request immediately, and so call ``meanwhile``."""
        return self._channel.has_idle

    def exchange(
        self,
        unverified_token: str,
        provider_id: str,
        context: RequestContext,
        meanwhile: Callable[[], None] | None = None,
    ) -> None:
        """Return if the provider accepts the token (RFC 8693 §2.1; Google STS REST: token).

        ``meanwhile`` is as for :meth:`~mintcore.outbound.channel.Channel.send`. Raises InvalidToken for a refused
        token, ProviderRefused if the provider would refuse every token, StsUnavailable without a result, and
        StsRefused if that lasts.
        """
        form = (
            f"{self._same_each_time}&audience={self._audience_prefix}{_quoted(provider_id)}"
            f"&subject_token={_quoted(unverified_token)}"
        )
        try:
            answer = self._channel.send(
                "POST", _PATH, headers=_HEADERS, body=form.encode(), context=context, meanwhile=meanwhile
            )
        except OutboundError as error:
            raise (StsRefused if isinstance(error, RouteRefused) else StsUnavailable)(detail=str(error)) from None
        if is_transient(answer.status):
            raise _no_result(answer)
        try:
            fields = answer.json_object()
        except Unusable:
            raise _foreign(answer) from None
        if answer.status == _OK and isinstance(fields.get("access_token"), str) and fields["access_token"]:
            return
        raise _refusal(answer.status, fields, provider_id) or _foreign(answer)


def _quoted(text: str) -> str:
    # Searching for characters that need an escape takes a tenth of the time of quote().
    needs_escapes = text.encode(errors="replace").translate(None, _UNRESERVED)
    return quote(text, safe="") if needs_escapes else text


def _refusal(status: int, fields: Mapping[str, Any], provider_id: str) -> InvalidToken | None:
    """Return the failure for a refusal, ``None`` if the answer is not in one of Google's formats."""
    if not is_lasting(status):
        return None
    error, description = fields.get("error"), str(fields.get("error_description", ""))
    if isinstance(error, dict) and isinstance(error.get("message"), str):
        # Google's error format for the whole API, such as "Security Token Service API has not been used in
        # project".
        reason = one_line(f"{error.get('status', '')}: {error['message']}", _MAX_SENTENCE)
        return ProviderRefused(detail=f"STS refused it at provider {provider_id}: {reason}")
    if status not in _REFUSALS or not isinstance(error, str) or error not in _ERRORS:
        return None
    reason = one_line(f"{error}: {description}", _MAX_SENTENCE)
    detail = f"STS refused it at provider {provider_id}: {reason}"
    if error == "unauthorized_client":
        return ConditionRefused(detail=detail)
    kind = ProviderRefused if error in _PROVIDER_ERRORS or _PROVIDER_WORDS.search(description) else InvalidToken
    return kind(detail=detail)


def _foreign(answer: Answer) -> StsUnavailable:
    """Return the failure for an answer that is not in Google's format: from a wrong address, or a proxy."""
    kind = StsRefused if is_lasting(answer.status) else StsUnavailable
    return kind(
        detail=f"STS_URL does not look like Google's token service: status {answer.status} without Google's JSON"
    )


def _no_result(answer: Answer) -> StsUnavailable:
    after = answer.retry_after()
    return StsUnavailable(
        detail=f"STS: status {answer.status} without a result", retry_after=None if after is None else int(after)
    )
