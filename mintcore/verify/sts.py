"""Google's word: the exchange of a caller's token at the Security Token Service.

Whoever gets a federated token back has been authenticated by the workload identity provider; the federated
token itself is worth something elsewhere and is dropped unread. The exchange is google-auth's client over our
own connections. Its verdict is never cached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from google.auth.exceptions import GoogleAuthError, OAuthError
from google.auth.transport import Request, Response
from google.oauth2 import sts

from mintcore.errors import InvalidToken, StsUnavailable
from mintcore.outbound import Answer, OutboundError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from email.message import Message

    from mintcore.outbound import Channel
    from mintcore.ports import Attempt

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
SUBJECT_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:jwt"  # noqa: S105 - the name of a type
REQUESTED_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - the name of a type
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_PATH = "/v1/token"
_SERVER_ERROR = 500
_TOO_MANY_REQUESTS = 429


class SecurityTokenService:
    """Exchanges tokens against the providers of one workload identity pool."""

    def __init__(self, channel: Channel, *, project_number: str, pool: str) -> None:
        self._channel = channel
        self._client = sts.Client(_PATH)
        location = f"//iam.googleapis.com/projects/{project_number}/locations/global"
        self._audience_prefix = f"{location}/workloadIdentityPools/{pool}/providers/"

    def exchange(self, unverified_token: str, provider_id: str, attempt: Attempt) -> None:
        """Return if the provider accepts the token.

        Raises InvalidToken where it does not, StsUnavailable where there is no verdict (RFC 8693 §2.1; Google
        STS REST: token).
        """
        try:
            granted = self._client.exchange_token(
                _Exchange(self._channel, attempt),
                grant_type=GRANT_TYPE,
                subject_token=unverified_token,
                subject_token_type=SUBJECT_TOKEN_TYPE,
                audience=self._audience_prefix + provider_id,
                scopes=_SCOPES,
                requested_token_type=REQUESTED_TOKEN_TYPE,
            )
        except OAuthError as error:
            if _is_no_verdict(error):
                raise StsUnavailable(detail="STS refused it in no form of RFC 6749 §5.2") from None
            raise InvalidToken(detail=f"STS refused it at provider {provider_id}: {str(error)[:300]}") from None
        except OutboundError as error:
            raise StsUnavailable(detail=str(error)) from None
        # google-auth reads the body with json.loads and lets what that raises through.
        except (GoogleAuthError, ValueError, TypeError, RecursionError) as error:
            raise StsUnavailable(detail=f"STS answered with no JSON object: {type(error).__name__}") from None
        if not isinstance(granted, dict) or not granted.get("access_token"):
            raise StsUnavailable(detail="STS answered 200 without an access token")


def _is_no_verdict(error: OAuthError) -> bool:
    """Say whether the body names no ``error``, as a proxy's does: google-auth then gives it twice, as it is."""
    return len(error.args) > 1 and error.args[0] == error.args[1]


class _Answered(Response):
    """An answer in the shape google-auth reads."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    @property
    def status(self) -> int:
        return self._answer.status

    @property
    def headers(self) -> Message[str, str] | Mapping[str, str]:
        return self._answer.headers

    @property
    def data(self) -> bytes:
        return self._answer.body


class _Exchange(Request):
    """google-auth's transport for one exchange, over our channel and within the request's budget."""

    def __init__(self, channel: Channel, attempt: Attempt) -> None:
        self._channel = channel
        self._attempt = attempt

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the attempt's deadline rules
        **_kwargs: Any,
    ) -> _Answered:
        answer = self._channel.send(method, url, headers=headers or {}, body=body, attempt=self._attempt)
        if answer.status >= _SERVER_ERROR or answer.status == _TOO_MANY_REQUESTS:
            _unavailable(answer)
        return _Answered(answer)


def _unavailable(answer: Answer) -> NoReturn:
    after = answer.retry_after()
    raise StsUnavailable(detail=f"STS: status {answer.status}", retry_after=None if after is None else int(after))
