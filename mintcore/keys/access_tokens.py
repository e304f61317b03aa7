"""Get access tokens of the mint's own Google account, from application-default credentials.

google-auth is imported when the first token is needed. Its timeouts bound a single socket read, so each of its
calls runs in a separate thread. A request waits for that thread until its own deadline.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from mintcore.errors import KeyUnavailable
from mintcore.secret import Secret, one_line

if TYPE_CHECKING:
    from mintcore.clock import Clock
    from mintcore.request import RequestContext

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_MAX_WAIT_SECONDS = 8.0
_GIVEN_UP_SECONDS = 16.0
# A token is renewed in the background from this long before it expires, and not used in its last half minute.
_RENEWED_SECONDS = 300.0
_UNUSED_SECONDS = 30.0
_MAX_SENTENCE = 500


class _CachedToken(NamedTuple):
    token: Secret
    expires: float


class AccessTokens:
    """Caches one token; ``proxy_url`` is as for :class:`~mintcore.outbound.channel.Outbound`."""

    def __init__(self, clock: Clock, *, proxy_url: Secret | None = None) -> None:
        self._clock = clock
        self._proxy_url = proxy_url
        self._credentials: Any = None
        self._held: _CachedToken | None = None
        self._pending: tuple[Future[_CachedToken], float] | None = None
        self._lock = threading.Lock()

    def token(self, context: RequestContext) -> Secret:
        """Return a token that is valid now. Raises KeyUnavailable."""
        now = self._clock.monotonic()
        with self._lock:
            held = self._held
            if held is not None and now < held.expires - _RENEWED_SECONDS:
                return held.token
            pending = self._start(now)
            if held is not None and now < held.expires - _UNUSED_SECONDS:
                return held.token
        try:
            return pending.result(timeout=min(_MAX_WAIT_SECONDS, context.deadline.remaining())).token
        except TimeoutError:
            raise KeyUnavailable(detail="Google gave no access token in time") from None
        except Exception as error:  # noqa: BLE001 - google-auth does not catch its transports' errors
            raise KeyUnavailable(detail=f"no Google access token: {_cause(error)}") from None

    def forget(self, token: Secret) -> None:
        """Drop ``token``, which Google has refused."""
        with self._lock:
            if self._held is not None and self._held.token is token:
                self._held = None

    def _start(self, now: float) -> Future[_CachedToken]:
        if self._pending is not None and now - self._pending[1] <= _GIVEN_UP_SECONDS:
            return self._pending[0]
        future = Future[_CachedToken]()
        self._pending = future, now
        threading.Thread(target=self._settle, args=(future,), name="access-token", daemon=True).start()
        return future

    def _settle(self, future: Future[_CachedToken]) -> None:
        try:
            held = self._refresh()
        except BaseException as error:  # noqa: BLE001 - the future's reader gets it
            self._finish(future, None)
            future.set_exception(error)
        else:
            self._finish(future, held)
            future.set_result(held)

    def _finish(self, future: Future[_CachedToken], held: _CachedToken | None) -> None:
        with self._lock:
            self._held = held or self._held
            if self._pending is not None and self._pending[0] is future:
                self._pending = None

    def _refresh(self) -> _CachedToken:
        import google.auth  # noqa: PLC0415 - see the module's docstring
        import requests  # noqa: PLC0415 - as above
        from google.auth.transport.requests import Request  # noqa: PLC0415 - as above

        session = requests.Session()
        # Ambient proxy variables would show the token to an unexpected proxy.
        session.trust_env = False
        if self._proxy_url is not None:
            session.proxies = {"https": self._proxy_url.reveal()}
        request = Request(session)
        if self._credentials is None:
            self._credentials, _ = google.auth.default(scopes=[_SCOPE], request=request)
        self._credentials.refresh(request)
        # google-auth's expiry is UTC without a zone, by this machine's clock.
        left = (self._credentials.expiry.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds()
        return _CachedToken(Secret(self._credentials.token), self._clock.monotonic() + left)


def _cause(error: Exception) -> str:
    """Return the class of an error, with its text if google-auth wrote it: that names the host and the cause."""
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 - see the module's docstring

    kind = type(error).__name__
    sentence = one_line(str(error), _MAX_SENTENCE) if isinstance(error, GoogleAuthError) else ""
    return f"{kind}: {sentence}" if sentence else kind
