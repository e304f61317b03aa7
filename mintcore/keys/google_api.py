"""Call Google's REST APIs as the mint's own account: Secret Manager and Cloud KMS.

It adds the access token, replaces a token that Google refuses, and reads Google's errors (google.rpc.Status). The
channel handles retries, deadline, proxy and size limits. The key stores interpret the answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from mintcore.errors import KeyRefused, KeyUnavailable
from mintcore.outbound.answer import OutboundError, RouteRefused, is_lasting
from mintcore.secret import one_line
from mintcore.settings.service_url import is_loopback

if TYPE_CHECKING:
    from mintcore.outbound.answer import Answer
    from mintcore.outbound.channel import Channel, Outbound
    from mintcore.request import RequestContext
    from mintcore.secret import Secret

# A secret has at most 64 KiB, which base64 makes a third longer.
_MAX_ANSWER = 128 * 1024
_MAX_SENTENCE = 500
_UNAUTHENTICATED = 401


class Tokens(Protocol):
    """Access tokens of one account."""

    def token(self, context: RequestContext) -> Secret:
        """Return a token that is valid now. Raises KeyUnavailable."""

    def forget(self, token: Secret) -> None:
        """Drop ``token``, which Google has refused."""


class GoogleApi:
    """Calls over one channel; without ``tokens`` they carry no credentials."""

    def __init__(self, channel: Channel, tokens: Tokens | None) -> None:
        self._channel = channel
        self._tokens = tokens

    def call(self, method: str, path: str, context: RequestContext, body: bytes | None = None) -> Answer:
        """Return the answer; a refused access token is replaced once. Raises OutboundError or KeyUnavailable."""
        if self._tokens is None:
            return self._send(method, path, context, body, None)
        refused = self._tokens.token(context)
        answer = self._send(method, path, context, body, refused)
        if answer.status != _UNAUTHENTICATED:
            return answer
        self._tokens.forget(refused)
        return self._send(method, path, context, body, self._tokens.token(context))

    def sign_in(self, context: RequestContext) -> None:
        """Get the access token before the first call. Raises KeyUnavailable."""
        if self._tokens is not None:
            self._tokens.token(context)

    def _send(
        self, method: str, path: str, context: RequestContext, body: bytes | None, token: Secret | None
    ) -> Answer:
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if token is not None:
            headers["Authorization"] = f"Bearer {token.reveal()}"
        return self._channel.send(method, path, headers=headers, body=body, context=context)


def google_api(service: str, url: str, outbound: Outbound, tokens: Tokens) -> GoogleApi:
    """Return the API at ``url``. Never send real credentials to a local emulator."""
    channel = outbound.channel(service, url, max_answer_bytes=_MAX_ANSWER)
    return GoogleApi(channel, None if is_loopback(urlsplit(url).hostname or "") else tokens)


def reason_of(answer: Answer) -> str:
    """Return the error's ``status``, such as ``NOT_FOUND``, empty if the answer is not Google's error."""
    return str(_error(answer).get("status", ""))


def sentence_of(answer: Answer) -> str:
    """Return Google's sentence for the operator's log: redacted, on one line."""
    return one_line(str(_error(answer).get("message", "")), _MAX_SENTENCE) or "no explanation"


def no_key(answer: Answer, what: str, setting: str) -> KeyUnavailable:
    """Return the failure for an answer that is not about the key itself.

    A missing permission or a disabled API lasts until the operator acts. So does a refusal without Google's JSON:
    it came from a proxy, or from another service at the address in ``setting``.
    """
    status = answer.status
    if not is_lasting(status):
        after = answer.retry_after()
        seconds = None if after is None else int(after)
        return KeyUnavailable(detail=f"{what}: status {status}: {sentence_of(answer)}", retry_after=seconds)
    if not _error(answer):
        return KeyRefused(
            detail=f"{what}: status {status} without Google's JSON; check the proxies on the way and {setting}"
        )
    return KeyRefused(detail=f"{what}: status {status}: {sentence_of(answer)}")


def no_answer(error: OutboundError, what: str) -> KeyUnavailable:
    """Return the failure for a call to Google without an answer."""
    kind = KeyRefused if isinstance(error, RouteRefused) else KeyUnavailable
    return kind(detail=f"{what}: {error}")


def _error(answer: Answer) -> dict[str, Any]:
    try:
        error = answer.json_object().get("error")
    except OutboundError:
        return {}
    return error if isinstance(error, dict) else {}
