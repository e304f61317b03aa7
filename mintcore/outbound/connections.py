"""Connections to one service: opened within the time there is, and kept for the next call (docs/adr/0004)."""

from __future__ import annotations

import base64
import select
import socket
import weakref
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from mintcore.outbound.http1 import open_tunnel, set_timeout
from mintcore.request import Deadline

if TYPE_CHECKING:
    import ssl

    from mintcore.ports import Clock
    from mintcore.secret import Secret

# What a firewall on the way has forgotten looks alive and costs a request all its time; they remember for minutes.
MAX_IDLE_SECONDS = 60.0
# So long may the other machine leave what was sent without so much as TCP's own receipt (tcp(7)); how long it then
# thinks about its answer is another matter. What a firewall forgot costs this, and not all of a request's time.
UNHEARD_SECONDS = 4.0
_UNHEARD: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)


@dataclass(frozen=True, slots=True)
class Proxy:
    """The proxy that ``https`` goes through; ``authorization`` is the value of its header, empty for none."""

    host: str
    port: int
    authorization: str


def parse_proxy(url: Secret) -> Proxy:
    """Return the parts of ``http://[user:password@]host:port``; that it has this form was checked at start."""
    parts = urlsplit(url.reveal())
    authorization = ""
    if parts.username is not None:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        authorization = "Basic " + base64.b64encode(credentials).decode()
    return Proxy(parts.hostname or "", parts.port or 80, authorization)


class Connections:
    """Connections to the origin of ``base_url``; at most ``most`` of them wait idle, the last used goes first."""

    def __init__(self, base_url: str, clock: Clock, *, most: int, tls: ssl.SSLContext, proxy: Proxy | None) -> None:
        parts = urlsplit(base_url)
        self._host = parts.hostname or ""
        self._secure = parts.scheme == "https"
        self._port = parts.port or (443 if self._secure else 80)
        self._clock = clock
        self._most = most
        self._tls = tls
        self._proxy = proxy if self._secure else None
        self._idle: deque[_Idle] = deque()
        weakref.finalize(self, _close_all, self._idle)

    def take(self) -> socket.socket | None:
        """Return an idle connection that the service has not closed, ``None`` where there is none."""
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
        """Return a new connection, TLS included. Raises OSError, or BadAnswer for a proxy's no.

        Only the resolver has a time of its own: Python gives no way to bound it.
        """
        proxy = self._proxy
        connection = _connect(*((self._host, self._port) if proxy is None else (proxy.host, proxy.port)), deadline)
        try:
            if proxy is not None:
                host = f"[{self._host}]" if ":" in self._host else self._host
                fields = {"Proxy-Authorization": proxy.authorization} if proxy.authorization else {}
                open_tunnel(connection, f"{host}:{self._port}", fields, deadline)
            if not self._secure:
                return connection
            set_timeout(connection, deadline)
            # An end that TLS does not vouch for is no end of an answer (RFC 9112 §9.8).
            return self._tls.wrap_socket(connection, server_hostname=self._host, suppress_ragged_eofs=False)
        except BaseException:
            connection.close()
            raise

    def close_idle(self) -> None:
        """Close every idle connection: where one has died unseen, the others have most likely too."""
        _close_all(self._idle)

    def give_back(self, connection: socket.socket) -> None:
        """Keep a connection whose answer was read to its end; closing is for every other one."""
        if len(self._idle) < self._most:
            self._idle.append(_Idle(connection, self._clock.monotonic()))
        else:
            connection.close()


@dataclass(frozen=True, slots=True)
class _Idle:
    connection: socket.socket
    since: float


def _connect(host: str, port: int, deadline: Deadline) -> socket.socket:
    """Connect to the first of the host's addresses that answers; each has its share of the time."""
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
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
    """Say whether nothing waits to be read: an idle connection that says something has been closed."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return not poll.poll(0)


def _close_all(idle: deque[_Idle]) -> None:
    with suppress(IndexError):  # another thread may be faster
        while True:
            idle.pop().connection.close()
