"""App keys from Google Secret Manager: ``fullsend-{role}-app-pem``, version ``latest``.

The client is Google's own, over its REST transport: gRPC's threads do not survive the fork that starts a
serving process, and one transport means that what the tests speak is what production speaks. Importing it
takes longer than everything else at start together, so it is imported with the first key, not with this file.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mintcore.cache import ExpiringCache
from mintcore.errors import KeyUnavailable, MintError, RoleKeyMissing
from mintcore.keys.rsa import RsaSigner, parse_signer
from mintcore.settings.reader import is_loopback

if TYPE_CHECKING:
    from mintcore.policy.names import Role
    from mintcore.ports import Clock, Signer
    from mintcore.request import RequestContext
    from mintcore.secret import Secret

FRESH_SECONDS = 300.0
STALE_SECONDS = 3600.0
# A dead Secret Manager gets one question a second; a mint that has no key yet cannot wait longer for its next.
HOLD_FAILURE_SECONDS = 1.0
_PATIENCE_SECONDS = 8.0
_GIVEN_UP_SECONDS = 16.0
_NOT_FOUND = 404
_BAD_REQUEST = 400


class SecretManagerKeys:
    """Signers for the keys in one project's Secret Manager.

    ``url`` is empty for Google's own endpoint with application-default credentials. A loopback ``url`` is
    spoken to without credentials. ``proxy_url`` is as for :class:`~mintcore.outbound.channel.Outbound`.
    """

    def __init__(
        self, clock: Clock, *, project_number: str, url: str = "", proxy_url: Secret | None = None
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
            stale_seconds=STALE_SECONDS,
            hold_failure_seconds=HOLD_FAILURE_SECONDS,
            most=256,
            slow=lambda: KeyUnavailable(detail="waited for the App key until the time ran out"),
        )

    def signer(self, role: Role, context: RequestContext) -> Signer:
        """Return the role's signer. Raises RoleKeyMissing, KeyUnavailable or InvalidRoleKey."""
        return self._signers.get(role, lambda: parse_signer(self._read(role, context), role), context)

    def edition(self, _role: Role) -> None:
        """Return ``None``: asking Google whether there is a newer version costs as much as reading it."""

    def forget(self, role: Role) -> None:
        """Read the role's key anew next time; the old signer still serves while Secret Manager fails."""
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
        except Exception as error:  # noqa: BLE001 - four libraries deep; whatever they raise means "no key now"
            raise _failure(error, secret) from None

    def _reading(self, name: str, patience_seconds: float, context: RequestContext) -> Future[bytes]:
        """Return the reading of a secret, the one that is under way if there is one.

        It has a thread of its own, because the client's timeout is for one read of a socket: an answer that drips,
        or credentials that come slowly, would outlast the request. One that has gone on for too long is left alone.
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
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever asks for the result
            self._forget_reading(reading, name)
            reading.set_exception(error)
        else:
            self._forget_reading(reading, name)
            reading.set_result(content)

    def _forget_reading(self, reading: Future[bytes], name: str) -> None:
        """Keep no reading that has ended: its result is the key itself, and a signer is all that is kept of one."""
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
        return bytes(response.payload.data)

    def _connected(self) -> Any:
        with self._client_lock:
            if self._client is None:
                self._client = _client(self._url)
                _mind_no_ambient_proxy(self._client, self._proxy_url)
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
            # A key of this machine's owner has no business at a stand-in for Google.
            credentials=AnonymousCredentials() if is_loopback(parts.hostname or "") else None,
        )
    )


def _mind_no_ambient_proxy(client: Any, proxy_url: Secret | None) -> None:
    """Keep a key, and the access token that reads it, from a proxy that the environment happens to name."""
    session = client.transport._session  # noqa: SLF001 - the client offers no other way to it
    # The second fetches the access token, which reads every key.
    for one in (session, session._auth_request.session):  # noqa: SLF001 - as above
        one.trust_env = False
        if proxy_url is not None:
            one.proxies = {"https": proxy_url.reveal()}


def _failure(error: Exception, secret: str) -> MintError:
    """Return what an error of the client means; its text can quote the answer, so only its kind is kept."""
    code = getattr(error, "code", None)
    status = int(code) if isinstance(code, int) else 0
    if status == _NOT_FOUND:
        return RoleKeyMissing(detail=f"secret {secret} does not exist or has no version")
    if status == _BAD_REQUEST:
        return RoleKeyMissing(detail=f"the latest version of secret {secret} is disabled or destroyed")
    return KeyUnavailable(detail=f"secret {secret}: {type(error).__name__}" + (f" {status}" if status else ""))
