"""App keys from Google Secret Manager: ``fullsend-{role}-app-pem``, version ``latest``.

Uses Google's client over its REST transport: gRPC's threads do not survive the fork that starts a serving process,
and the tests speak the same transport as production. Importing the client takes longer than the rest of the start,
so it is imported with the first key.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mintcore.cache import ExpiringCache
from mintcore.errors import KeyUnavailable, MintError, RoleKeyMissing
from mintcore.keys.crc32c import crc32c
from mintcore.keys.rsa import RsaSigner, parse_signer
from mintcore.secret import one_line
from mintcore.settings.service_url import is_loopback

if TYPE_CHECKING:
    from mintcore.helpers import Helpers
    from mintcore.policy.names import Role
    from mintcore.ports import Clock, Signer
    from mintcore.request import RequestContext
    from mintcore.secret import Secret

FRESH_SECONDS = 300.0
STALE_SECONDS = 3600.0
# A failing Secret Manager gets one call a second; a mint without a key cannot wait longer.
HOLD_FAILURE_SECONDS = 1.0
_PATIENCE_SECONDS = 8.0
_GIVEN_UP_SECONDS = 16.0
_NOT_FOUND = 404
_BAD_REQUEST = 400
_MAX_SENTENCE = 500


class SecretManagerKeys:
    """Signers for the keys in one project's Secret Manager.

    ``url`` is empty for Google's own endpoint with application-default credentials. A loopback ``url`` gets no
    credentials. ``proxy_url`` is as for :class:`~mintcore.outbound.channel.Outbound`. Keys up to an hour old are
    served while a thread of ``helpers`` reads the newest version.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        project_number: str,
        url: str = "",
        proxy_url: Secret | None = None,
        helpers: Helpers | None = None,
    ) -> None:
        self._clock = clock
        self._project_number = project_number
        self._url = url
        self._proxy_url = proxy_url
        self._client: Any = None
        self._client_lock = threading.Lock()
        self._readings: dict[str, tuple[Future[bytes], float]] = {}
        self._readings_lock = threading.Lock()
        self._signers = ExpiringCache[str, RsaSigner](
            "signer",
            clock=clock,
            fresh_for=lambda _signer: FRESH_SECONDS,
            renew_for=lambda _signer: STALE_SECONDS - FRESH_SECONDS,
            stale_seconds=STALE_SECONDS,
            hold_failure_seconds=HOLD_FAILURE_SECONDS,
            most=256,
            slow=lambda: KeyUnavailable(detail="waited for the App key until the time ran out"),
            helpers=helpers,
        )

    def signer(self, role: Role, context: RequestContext) -> Signer:
        """Return the role's signer. Raises RoleKeyMissing, KeyUnavailable or InvalidRoleKey."""

        def load(own: RequestContext) -> RsaSigner:
            return parse_signer(self._read(role, own), role)

        return self._signers.get(role, lambda: load(context), context, renew=load)

    def edition(self, _role: Role) -> None:
        """Return ``None``: asking Google for a newer version costs as much as reading it."""

    def forget(self, role: Role) -> None:
        """Read the role's key again next time; the old signer serves while Secret Manager fails."""
        self._signers.expire(role)

    def _read(self, role: Role, context: RequestContext) -> bytes:
        """Return the newest version's PEM (Secret Manager REST: projects.secrets.versions.access)."""
        secret = f"fullsend-{role}-app-pem"
        name = f"projects/{self._project_number}/secrets/{secret}/versions/latest"
        patience = min(_PATIENCE_SECONDS, context.deadline.remaining())
        try:
            return self._reading(name, patience, context).result(timeout=patience)
        except MintError:
            raise
        except Exception as error:  # noqa: BLE001 - four libraries deep; any exception means "no key now"
            raise _failure(error, secret) from None

    def _reading(self, name: str, patience_seconds: float, context: RequestContext) -> Future[bytes]:
        """Return the pending read of a secret; start one if there is none, or if it takes too long.

        Each read has its own thread: the client's timeout bounds one socket read only, so a slow answer or slow
        credentials would outlast the request.
        """
        now = self._clock.monotonic()
        with self._readings_lock:
            reading, began = self._readings.get(name, (None, now))
            if reading is None or now - began > _GIVEN_UP_SECONDS:
                context.upstream_calls["secretmanager"] = context.upstream_calls.get("secretmanager", 0) + 1
                reading = Future()
                work = partial(self._settle, reading, name, patience_seconds)
                threading.Thread(target=work, name="secret-manager", daemon=True).start()
                self._readings[name] = reading, now
            return reading

    def _settle(self, reading: Future[bytes], name: str, patience_seconds: float) -> None:
        try:
            content = self._access(name, patience_seconds)
        except BaseException as error:  # noqa: BLE001 - the future's reader gets it
            self._forget_reading(reading, name)
            reading.set_exception(error)
        else:
            self._forget_reading(reading, name)
            reading.set_result(content)

    def _forget_reading(self, reading: Future[bytes], name: str) -> None:
        """Forget a finished read: its result is the key itself, of which only the signer may stay in memory."""
        with self._readings_lock:
            if self._readings.get(name, (None, 0.0))[0] is reading:
                del self._readings[name]

    def _access(self, name: str, patience_seconds: float) -> bytes:
        from google.api_core.retry import Retry, if_transient_error  # noqa: PLC0415 - see the module's docstring

        response = self._connected().access_secret_version(
            name=name,
            timeout=patience_seconds,
            retry=Retry(if_transient_error, initial=0.1, maximum=1.0, timeout=patience_seconds),
        )
        content = bytes(response.payload.data)
        # 0 where Google sends no checksum. A key that was damaged on the way must not be cached for an hour.
        checksum = int(response.payload.data_crc32c)
        if checksum and crc32c(content) != checksum:
            raise _DamagedError
        return content

    def _connected(self) -> Any:
        with self._client_lock:
            if self._client is None:
                self._client = _client(self._url)
                _ignore_ambient_proxy(self._client, self._proxy_url)
            return self._client


def _client(url: str) -> Any:
    from google.cloud import secretmanager_v1  # noqa: PLC0415 - see the module's docstring

    if not url:
        return secretmanager_v1.SecretManagerServiceClient(transport="rest")
    from google.auth.credentials import AnonymousCredentials  # noqa: PLC0415 - as above

    parts = urlsplit(url)
    transport_class = secretmanager_v1.SecretManagerServiceClient.get_transport_class("rest")
    return secretmanager_v1.SecretManagerServiceClient(
        transport=transport_class(
            host=parts.netloc,
            url_scheme=parts.scheme,
            # Never send real credentials to a local emulator.
            credentials=AnonymousCredentials() if is_loopback(parts.hostname or "") else None,
        )
    )


def _ignore_ambient_proxy(client: Any, proxy_url: Secret | None) -> None:
    """Ignore ambient proxy variables, so no unexpected proxy sees a key or the access token that reads it."""
    session = client.transport._session  # noqa: SLF001 - the client offers no other way to it
    # The second session fetches the access token.
    for one in (session, session._auth_request.session):  # noqa: SLF001 - as above
        one.trust_env = False
        if proxy_url is not None:
            one.proxies = {"https": proxy_url.reveal()}


def _failure(error: Exception, secret: str) -> MintError:
    """Return what an error of the client means, with Google's sentence for the operator's log."""
    code = getattr(error, "code", None)
    status = int(code) if isinstance(code, int) else 0
    if status == _NOT_FOUND:
        return RoleKeyMissing(detail=f"secret {secret} does not exist or has no version")
    if status == _BAD_REQUEST:
        return RoleKeyMissing(detail=f"the latest version of secret {secret} is disabled or destroyed")
    kind = type(error).__name__ + (f" {status}" if status else "")
    said = _sentence(error)
    return KeyUnavailable(detail=f"secret {secret}: {kind}{f': {said}' if said else ''}")


def _sentence(error: Exception) -> str:
    """Return the error's text on one line, empty for kinds of error whose text can quote an answer's content."""
    if isinstance(error, _DamagedError):
        return "the content does not match its checksum (dataCrc32c)"
    if type(error).__module__.partition(".")[0] not in {"google", "requests"} or not _is_safe(error):
        return ""
    return one_line(str(getattr(error, "message", "") or error), _MAX_SENTENCE)


def _is_safe(error: Exception) -> bool:
    from google.api_core.exceptions import GoogleAPICallError, RetryError  # noqa: PLC0415 - as above
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 - as above
    from requests.exceptions import ConnectionError as NoConnection  # noqa: PLC0415 - as above

    return isinstance(error, GoogleAPICallError | RetryError | GoogleAuthError | NoConnection)


class _DamagedError(Exception):
    """The content does not match its checksum."""
