"""Connections to one service: opened within the deadline and kept for the next call (docs/adr/0004)."""

from __future__ import annotations

import base64
import select
import socket
import ssl
import weakref
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from mintcore.outbound.answer import is_lasting
from mintcore.outbound.http1 import BadAnswer, TunnelRefused, open_tunnel, set_timeout
from mintcore.request import Deadline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mintcore.clock import Clock
    from mintcore.secret import Secret

# Firewalls drop idle connections after minutes. Such a connection looks alive, and a request on it waits until its
# deadline.
MAX_IDLE_SECONDS = 60.0
# How long sent data may stay unacknowledged (tcp(7)). Bounds the cost of a connection that a firewall dropped; the
# service may still take longer to answer.
UNHEARD_SECONDS = 4.0
_UNHEARD: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)


class ConnectError(Exception):
    """No connection; the text names the host and whether name, connection, TLS or proxy failed.

    ``lasting`` means that a proxy refuses until the operator acts.
    """

    lasting = False


@dataclass(frozen=True, slots=True)
class Proxy:
    """The proxy for ``https``; ``authorization`` is the value of its header, empty for none."""

    host: str
    port: int
    authorization: str


def parse_proxy(url: Secret) -> Proxy:
    """Return the parts of ``http://[user:password@]host:port``; the settings have checked the form."""
    parts = urlsplit(url.reveal())
    authorization = ""
    if parts.username is not None:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        authorization = "Basic " + base64.b64encode(credentials).decode()
    return Proxy(parts.hostname or "", parts.port or 80, authorization)


class Connections:
    """Connections to the origin of ``base_url``; at most ``max_idle`` stay idle, and the newest is reused first.

    ``tls`` is for ``https``, which raises ValueError without it.
    """

    def __init__(
        self, base_url: str, clock: Clock, *, max_idle: int, tls: ssl.SSLContext | None, proxy: Proxy | None
    ) -> None:
        parts = urlsplit(base_url)
        self._host = parts.hostname or ""
        secure = parts.scheme == "https"
        if secure and tls is None:
            raise ValueError("https needs TLS")
        self._port = parts.port or (443 if secure else 80)
        self._clock = clock
        self._max_idle = max_idle
        self._tls = tls if secure else None
        self._proxy = proxy if secure else None
        self._idle: deque[_Idle] = deque()
        weakref.finalize(self, _close_all, self._idle)

    @property
    def has_idle(self) -> bool:
        """Whether an idle connection is young enough to be used; the service may have closed it."""
        try:
            return self._idle[-1].since >= self._clock.monotonic() - MAX_IDLE_SECONDS
        except IndexError:
            return False

    def acquire(self) -> socket.socket | None:
        """Return an idle connection that the service has not closed, or ``None``."""
        oldest = self._clock.monotonic() - MAX_IDLE_SECONDS
        while self._idle:
            try:
                idle = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if idle.since >= oldest and _is_alive(idle.connection):
                return idle.connection
            idle.connection.close()
        return None

    def open(self, deadline: Deadline) -> socket.socket:
        """Return a new connection, TLS included. Raises ConnectError.

        The deadline does not bound the name resolver, because Python offers no way to do that.
        """
        proxy = self._proxy
        if proxy is None:
            connection = _connect(self._host, self._port, deadline)
        else:
            connection = _connect(proxy.host, proxy.port, deadline, role="the proxy ")
        try:
            if proxy is not None:
                self._tunnel(connection, proxy, deadline)
            if self._tls is None:
                return connection
            with _naming(f"TLS with {self._host} failed"):
                set_timeout(connection, deadline)
                # Treat EOF without close_notify as truncation (RFC 9112 §9.8).
                return self._tls.wrap_socket(connection, server_hostname=self._host, suppress_ragged_eofs=False)
        except BaseException:
            connection.close()
            raise

    def _tunnel(self, connection: socket.socket, proxy: Proxy, deadline: Deadline) -> None:
        host = f"[{self._host}]" if ":" in self._host else self._host
        fields = {"Proxy-Authorization": proxy.authorization} if proxy.authorization else {}
        with _naming(f"the proxy {proxy.host}:{proxy.port} opens no tunnel to {host}:{self._port}"):
            open_tunnel(connection, f"{host}:{self._port}", fields, deadline)

    def close_idle(self) -> None:
        """Close every idle connection: if one died unnoticed, the others most likely did too."""
        _close_all(self._idle)

    def release(self, connection: socket.socket) -> None:
        """Keep a connection whose answer was read to its end; the caller closes any other."""
        if len(self._idle) < self._max_idle:
            self._idle.append(_Idle(connection, self._clock.monotonic()))
        else:
            connection.close()


@dataclass(frozen=True, slots=True)
class _Idle:
    connection: socket.socket
    since: float


def _connect(host: str, port: int, deadline: Deadline, *, role: str = "") -> socket.socket:
    """Connect to the first of the host's addresses that answers; each gets an equal share of the time left."""
    with _naming(f"cannot resolve the name of {role}{host}"):
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    with _naming(f"cannot connect to {role}{host}:{port}"):
        return _connect_to(addresses, deadline)


def _connect_to(addresses: list[Any], deadline: Deadline) -> socket.socket:
    failure: OSError = OSError("the host has no address")
    for number, (family, kind, protocol, _, address) in enumerate(addresses):
        connection = socket.socket(family, kind, protocol)
        try:
            set_timeout(connection, Deadline(deadline.clock, deadline.remaining() / (len(addresses) - number)))
            connection.connect(address)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if _UNHEARD is not None:
                connection.setsockopt(socket.IPPROTO_TCP, _UNHEARD, int(UNHEARD_SECONDS * 1000))
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure


def _is_alive(connection: socket.socket) -> bool:
    """Tell whether the peer keeps the connection open. Readable while idle means that the peer closed it."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return not poll.poll(0)


def _close_all(idle: deque[_Idle]) -> None:
    with suppress(IndexError):  # another thread may be faster
        while True:
            idle.pop().connection.close()


@contextmanager
def _naming(what: str) -> Iterator[None]:
    """Turn a failure into a ConnectError that begins with ``what``."""
    try:
        yield
    except (OSError, BadAnswer, UnicodeError) as error:
        failure = ConnectError(f"{what}: {_reason(error)}")
        failure.lasting = isinstance(error, TunnelRefused) and is_lasting(error.status)
        raise failure from None


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not accepted ({error.verify_message})"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLError):
        return (error.reason or type(error).__name__).lower().replace("_", " ")
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) if isinstance(error, BadAnswer | OSError) and str(error) else type(error).__name__
