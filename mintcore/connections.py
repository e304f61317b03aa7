"""Open connections to one service, kept for the next call.

The standard library's ``http.client`` connects, through a proxy where there is one; what it has not is a place
where idle connections wait. That is all there is here (docs/adr/0004).
"""

from __future__ import annotations

import base64
import select
import weakref
from collections import deque
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    import socket
    import ssl

    from mintcore.secret import Secret


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

    def __init__(self, base_url: str, *, most: int, tls: ssl.SSLContext, proxy: Proxy | None) -> None:
        parts = urlsplit(base_url)
        self._host = parts.hostname or ""
        self._secure = parts.scheme == "https"
        self._port = parts.port or (443 if self._secure else 80)
        self._most = most
        self._tls = tls
        self._proxy = proxy
        self._idle: deque[socket.socket] = deque()
        weakref.finalize(self, _close_all, self._idle)

    def take(self) -> socket.socket | None:
        """Return an idle connection that the service has not closed, ``None`` where there is none."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if _is_alive(connection):
                return connection
            connection.close()
        return None

    def open(self, timeout: float) -> socket.socket:
        """Return a new connection, TLS included. Raises OSError or HTTPException, the latter for a proxy's no."""
        connection = self._unconnected()
        connection.timeout = timeout
        connection.connect()
        return connection.sock

    def give_back(self, connection: socket.socket) -> None:
        """Keep a connection whose answer was read to its end; closing is for every other one."""
        if len(self._idle) < self._most:
            self._idle.append(connection)
        else:
            connection.close()

    def _unconnected(self) -> HTTPConnection:
        if not self._secure:
            return HTTPConnection(self._host, self._port)
        if self._proxy is None:
            return HTTPSConnection(self._host, self._port, context=self._tls)
        tunnelled = HTTPSConnection(self._proxy.host, self._proxy.port, context=self._tls)
        authorization = self._proxy.authorization
        tunnelled.set_tunnel(
            self._host, self._port, {"Proxy-Authorization": authorization} if authorization else None
        )
        return tunnelled


def _is_alive(connection: socket.socket) -> bool:
    """Say whether nothing waits to be read: an idle connection that says something has been closed."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return not poll.poll(0)


def _close_all(idle: deque[socket.socket]) -> None:
    while idle:
        idle.pop().close()
