"""Open a connection to an origin within one deadline: name lookup, TCP, the proxy's tunnel and TLS."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fullsend.net.failures import NotConnectedError, ProxyError, cause, no_tls, not_connected
from fullsend.net.urls import is_address
from mintcore.outbound.answer import is_lasting
from mintcore.outbound.http1 import BadAnswer, TunnelRefused, open_tunnel, set_timeout
from mintcore.request import Deadline

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from fullsend.net.origin import Origin
    from fullsend.net.route import Proxy

CONNECT_SECONDS = 10.0
"""The time for one address, so the second address is tried if the first does not answer."""


def connect(origin: Origin, proxy: Proxy | None, tls: ssl.SSLContext | None, deadline: Deadline) -> socket.socket:
    """Return a connection to send a request over. Raises `NotConnectedError`."""
    host, port = (origin.host, origin.port) if proxy is None else (proxy.host, proxy.port)
    try:
        connection = _dial(host, port, deadline)
    except (OSError, UnicodeError) as error:
        raise not_connected(error, origin.authority, proxy="" if proxy is None else str(proxy)) from error
    with _closed_on_failure(connection):
        if tls is None:
            return connection
        if proxy is not None:
            _tunnel(connection, origin, proxy, deadline)
        return _secured(connection, origin, tls, deadline)


@contextmanager
def _closed_on_failure(connection: socket.socket) -> Iterator[None]:
    """Close the connection unless the block ends well; also when the process is interrupted."""
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _dial(host: str, port: int, deadline: Deadline) -> socket.socket:
    """Connect to the first address that accepts. Raises OSError or UnicodeError."""
    failure: OSError = OSError("the host has no address")
    for family, kind, protocol, _, address in _addresses(host, port, deadline):
        connection = socket.socket(family, kind, protocol)
        try:
            with _closed_on_failure(connection):
                set_timeout(connection, Deadline(deadline.clock, min(CONNECT_SECONDS, deadline.remaining())))
                connection.connect(address)
                return connection
        except OSError as error:
            failure = error
    raise failure


def _addresses(host: str, port: int, deadline: Deadline) -> list[Any]:
    """Look up a name within the deadline.

    It uses a thread, because the system's resolver has its own time limit and cannot be interrupted.
    """
    if is_address(host):
        return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    found: list[Any] = []
    failures: list[Exception] = []

    def look_up() -> None:
        try:
            found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            failures.append(error)

    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(deadline.remaining())
    if failures:
        raise failures[0]
    if thread.is_alive():
        raise socket.gaierror(socket.EAI_AGAIN, "no result in time")
    return found


def _tunnel(connection: socket.socket, origin: Origin, proxy: Proxy, deadline: Deadline) -> None:
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    try:
        open_tunnel(connection, f"{host}:{origin.port}", proxy.fields(), deadline)
    except TimeoutError as error:
        raise NotConnectedError(f"the proxy {proxy} did not connect to {origin.authority} in time") from error
    except (BadAnswer, OSError) as error:
        why = str(error) if isinstance(error, BadAnswer) else cause(error)
        refused = isinstance(error, TunnelRefused) and is_lasting(error.status)
        kind = ProxyError if refused else NotConnectedError
        raise kind(f"the proxy {proxy} did not connect to {origin.authority} ({why})") from error


def _secured(connection: socket.socket, origin: Origin, tls: ssl.SSLContext, deadline: Deadline) -> socket.socket:
    try:
        set_timeout(connection, deadline)
        # Attack: without this a forged end of the connection counts as the end of the answer (RFC 9112 §9.8).
        return tls.wrap_socket(connection, server_hostname=origin.host, suppress_ragged_eofs=False)
    except (OSError, ValueError) as error:
        raise no_tls(error, origin.authority) from error
