"""Google's word: the exchange of a caller's token at the Security Token Service.

Whoever gets a federated token back has been authenticated by the workload identity provider; the federated
token itself is worth something elsewhere and is dropped unread. The verdict is never cached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from mintcore.errors import InvalidToken, StsUnavailable
from mintcore.outbound.answer import OutboundError

if TYPE_CHECKING:
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
_SERVER_ERROR = 500
_TOO_MANY_REQUESTS = 429


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

    def exchange(self, unverified_token: str, provider_id: str, context: RequestContext) -> None:
        """Return if the provider accepts the token.

        Raises InvalidToken where it does not, StsUnavailable where there is no verdict (RFC 8693 §2.1; Google
        STS REST: token).
        """
        form = (
            f"{self._same_each_time}&audience={self._audience_prefix}{quote(provider_id)}"
            f"&subject_token={quote(unverified_token, safe='')}"
        )
        try:
            answer = self._channel.send("POST", _PATH, headers=_HEADERS, body=form.encode(), context=context)
            if answer.status >= _SERVER_ERROR or answer.status == _TOO_MANY_REQUESTS:
                raise _no_result(answer)
            fields = answer.json_object()
        except OutboundError as error:
            raise StsUnavailable(detail=str(error)) from None
        if answer.status == _OK and isinstance(fields.get("access_token"), str) and fields["access_token"]:
            return
        # RFC 6749 §5.2: a refusal names its `error`. Anything else is a proxy's or nobody's word.
        if answer.status != _OK and isinstance(fields.get("error"), str):
            why = f"{fields['error']}: {fields.get('error_description', '')}"
            raise InvalidToken(detail=f"STS refused it at provider {provider_id}: {why[:300]}")
        raise _no_result(answer)


def _no_result(answer: Answer) -> StsUnavailable:
    after = answer.retry_after()
    return StsUnavailable(
        detail=f"STS: status {answer.status} without a verdict", retry_after=None if after is None else int(after)
    )
