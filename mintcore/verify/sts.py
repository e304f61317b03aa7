"""The exchange of a caller's token at Google's Security Token Service.

A federated token in the answer proves that the workload identity provider accepts the caller's token. The federated
token itself is a credential elsewhere, so it is dropped unread. The result is never cached.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from mintcore.errors import InvalidToken, StsRefused, StsUnavailable
from mintcore.outbound.answer import OutboundError, Unusable
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
_REFUSALS = range(300, 500)
_SERVER_ERROR = 500
_TOO_MANY_REQUESTS = 429
_MAX_SENTENCE = 300
# Refusals that concern the provider, not the token. The words are those of Google's sentences.
_PROVIDER_ERRORS = frozenset({"invalid_target", "invalid_request", "unsupported_grant_type", "invalid_scope"})
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
        """Whether :meth:`exchange` can send its request at once, and so call ``meanwhile``."""
        return self._channel.has_idle

    def exchange(
        self,
        unverified_token: str,
        provider_id: str,
        context: RequestContext,
        meanwhile: Callable[[], None] | None = None,
    ) -> None:
        """Return if the provider accepts the token (RFC 8693 §2.1; Google STS REST: token).

        ``meanwhile`` is as for :meth:`~mintcore.outbound.channel.Channel.send`.
        Raises InvalidToken if it refuses, ProviderRefused if no token can change that, StsUnavailable if STS gives
        no result, and StsRefused if that lasts.
        """
        form = (
            f"{self._same_each_time}&audience={self._audience_prefix}{quote(provider_id)}"
            f"&subject_token={quote(unverified_token, safe='')}"
        )
        try:
            answer = self._channel.send(
                "POST", _PATH, headers=_HEADERS, body=form.encode(), context=context, meanwhile=meanwhile
            )
            if answer.status >= _SERVER_ERROR or answer.status == _TOO_MANY_REQUESTS:
                raise _no_result(answer)
            fields = _fields(answer)
        except OutboundError as error:
            raise StsUnavailable(detail=str(error)) from None
        if answer.status == _OK and isinstance(fields.get("access_token"), str) and fields["access_token"]:
            return
        if answer.status == _OK:
            raise _no_result(answer)
        raise _refusal(fields, provider_id) or _foreign(answer)


def _fields(answer: Answer) -> Mapping[str, Any]:
    """Return the JSON object; a refusal without one is not Google's. Raises StsRefused or OutboundError."""
    try:
        return answer.json_object()
    except Unusable:
        if answer.status in _REFUSALS:
            raise _foreign(answer) from None
        raise


def _refusal(fields: Mapping[str, Any], provider_id: str) -> InvalidToken | None:
    """Return the failure behind a refusal, ``None`` if the answer is not of a form that Google uses."""
    error, description = fields.get("error"), str(fields.get("error_description", ""))
    if isinstance(error, dict) and isinstance(error.get("message"), str):
        # Google's form for the API as a whole, such as "Security Token Service API has not been used in project".
        status = f"{error.get('status', '')}: {error['message']}"
        return ProviderRefused(
            detail=f"STS refused it at provider {provider_id}: {one_line(status, _MAX_SENTENCE)}"
        )
    if not isinstance(error, str):
        return None
    # RFC 6749 §5.2: a refusal names its `error`.
    reason = one_line(f"{error}: {description}", _MAX_SENTENCE)
    detail = f"STS refused it at provider {provider_id}: {reason}"
    if error == "unauthorized_client":
        return ConditionRefused(detail=detail)
    kind = ProviderRefused if error in _PROVIDER_ERRORS or _PROVIDER_WORDS.search(description) else InvalidToken
    return kind(detail=detail)


def _foreign(answer: Answer) -> StsUnavailable:
    """Return the failure behind an answer that is not of Google's form: a wrong address, or a proxy's page."""
    if answer.status not in _REFUSALS:
        return _no_result(answer)
    return StsRefused(
        detail=f"STS_URL does not look like Google's token service: status {answer.status} without Google's JSON"
    )


def _no_result(answer: Answer) -> StsUnavailable:
    after = answer.retry_after()
    return StsUnavailable(
        detail=f"STS: status {answer.status} without a result", retry_after=None if after is None else int(after)
    )
