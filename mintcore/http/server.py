"""The server of the standalone mint: gunicorn with one process and a pool of threads.

It decides how connections are taken, ended and logged, and that even what is no HTTP is answered in JSON. What
a request gets is the endpoint's business. One process, so that the keys, the issuer's keys and the rate limit
are counted once; gunicorn's parent process starts it again should it die.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import socket
import struct
import uuid
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication
from gunicorn.http import errors as http_errors
from gunicorn.workers.gthread import ThreadWorker
from werkzeug import Request

from mintcore.errors import InternalError
from mintcore.http.server_log import logger_class

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mintcore.http.endpoint import Endpoint
    from mintcore.observe.log import JsonLog

# Longer than the 60 s for which reverse proxies keep idle connections: the one that reuses must not be the one
# that learns last that the connection is gone.
KEEPALIVE_SECONDS = 75
# How long a client may leave a thread waiting in the middle of its request, or of its answer.
STALLED_SECONDS = 5
_STOP_MARGIN_SECONDS = 5
_BACKLOG = 1024
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - see options(): nothing but a heartbeat lies there
_STATUS_OF = (
    (http_errors.LimitRequestLine, "414 URI Too Long"),
    (http_errors.LimitRequestHeaders, "431 Request Header Fields Too Large"),
    (http_errors.ExpectationFailed, "417 Expectation Failed"),
    (http_errors.UnsupportedTransferCoding, "501 Not Implemented"),
    (http_errors.ParseException, "400 Bad Request"),
)


def listen(port: int) -> socket.socket:
    """Return a socket that listens on every interface, IPv6 and IPv4. Raises OSError."""
    if socket.has_dualstack_ipv6():
        with contextlib.suppress(OSError):  # a machine whose IPv6 is switched off, or the port in use: see below
            return _with_patience(
                socket.create_server(("", port), family=socket.AF_INET6, backlog=_BACKLOG, dualstack_ipv6=True)
            )
    return _with_patience(socket.create_server(("", port), backlog=_BACKLOG))


def _with_patience(listener: socket.socket) -> socket.socket:
    """Bound each wait for a client, which the accepted connections inherit from their listener (socket(7))."""
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        listener.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", STALLED_SECONDS, 0))
    return listener


def serve(
    endpoint: Endpoint,
    listener: socket.socket,
    *,
    threads: int,
    deadline_seconds: float,
    log: JsonLog,
    started: Callable[[], None],
) -> None:
    """Serve until told to stop, then let requests in flight end. ``started`` is called in the serving process."""
    chosen = options(listener.detach(), threads=threads, deadline_seconds=deadline_seconds)
    chosen["logger_class"] = logger_class(log)
    chosen["post_worker_init"] = lambda _worker: started()
    chosen["on_exit"] = lambda _arbiter: log.write("INFO", "fullsend-mint stopped")
    _Server(endpoint, chosen).run()


def options(listener_fd: int, *, threads: int, deadline_seconds: float) -> dict[str, Any]:
    """Return gunicorn's settings."""
    shared_memory = os.path.isdir(_SHARED_MEMORY) and os.access(_SHARED_MEMORY, os.W_OK)  # noqa: PTH112
    return {
        "bind": f"fd://{listener_fd}",
        "backlog": _BACKLOG,
        "workers": 1,
        "threads": threads,
        "worker_class": _Worker,
        "keepalive": KEEPALIVE_SECONDS,
        # Whoever is in flight has its whole budget before it is cut off.
        "graceful_timeout": math.ceil(deadline_seconds) + _STOP_MARGIN_SECONDS,
        # The heartbeat's file: in memory, because the root file system may be read-only and a disk may stall.
        "worker_tmp_dir": _SHARED_MEMORY if shared_memory else None,
        # A socket through which a local user could steer the server; nobody needs it here.
        "control_socket_disable": True,
    }


class _Server(BaseApplication):  # type: ignore[misc]
    """gunicorn, configured by us alone: no file, no command line."""

    def __init__(self, endpoint: Endpoint, chosen: dict[str, Any]) -> None:
        self._endpoint = endpoint
        self._chosen = chosen
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._chosen.items():
            self.cfg.set(name, value)

    def load(self) -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
        return self._answer

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return self._endpoint(Request(environ))(environ, start_response)


class _Worker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threads, with an end that refuses instead of hanging, and every answer in JSON."""

    def set_accept_enabled(self, enabled: bool) -> None:  # noqa: FBT001 - gunicorn's signature
        super().set_accept_enabled(enabled)
        if self.alive:
            return
        # gunicorn leaves the listener open until the last request has ended: whoever comes meanwhile would wait
        # for nobody. Those who are in the queue already are taken; whoever comes later is refused and goes on.
        for listener in self.sockets:
            taken = -1
            while taken != self.nr_conns:
                taken = self.nr_conns
                self.accept(listener)
            listener.close()

    def handle_error(self, _req: Any, client: Any, _addr: Any, exc: BaseException) -> None:
        # The exception's text quotes the request, which may hold a token, so that only its kind is logged.
        kind = type(exc).__name__
        status = next((status for error, status in _STATUS_OF if isinstance(exc, error)), "")
        if status:
            self.log.warning("a request that is no HTTP this server takes: %s", kind)
        else:
            self.log.error("the server failed on a request: %s", kind)
        with contextlib.suppress(OSError):
            client.sendall(_error_page(status))


def _error_page(status: str) -> bytes:
    request_id = uuid.uuid4().hex
    if status:
        sentence = f"This is no HTTP request that this server takes: {status.partition(' ')[2].lower()}."
        code = "bad_request"
    else:
        status = "500 Internal Server Error"
        code, sentence = InternalError.code, InternalError.sentence
    body = json.dumps({"error": sentence, "code": code, "request_id": request_id}).encode()
    head = (
        f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
        f"X-Request-Id: {request_id}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
