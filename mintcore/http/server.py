"""The standalone mint's server: gunicorn with one process and a pool of threads.

One process holds the keys, the key sets and the rate limit. gunicorn's parent process starts it again if it dies.
:mod:`mintcore.http.worker` receives the connections.
"""

from __future__ import annotations

import contextlib
import math
import os
import socket
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication
from werkzeug import Request

from mintcore.http.limits import edge_settings
from mintcore.http.server_log import logger_class

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mintcore.http.endpoint import Endpoint
    from mintcore.observe.log import JsonLog

_STOP_MARGIN_SECONDS = 5
_BODILESS = frozenset({204, 304})
_BACKLOG = 1024
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - see options(): nothing but a heartbeat lies there


def listen(bind: str, port: int) -> socket.socket:
    """Return a socket that listens on an IP address, or on every interface if ``bind`` is empty. Raises OSError."""
    if ":" in bind:
        return socket.create_server((bind, port), family=socket.AF_INET6, backlog=_BACKLOG)
    if not bind and socket.has_dualstack_ipv6():
        with contextlib.suppress(OSError):  # IPv6 may be switched off, or the port in use: see below
            return socket.create_server(("", port), family=socket.AF_INET6, backlog=_BACKLOG, dualstack_ipv6=True)
    return socket.create_server((bind, port), backlog=_BACKLOG)


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
    chosen["logger_class"] = logger_class(log, answers=True)
    chosen["post_worker_init"] = lambda _worker: started()
    chosen["on_exit"] = lambda _arbiter: log.write("INFO", "fullsend-mint stopped")
    _Server(endpoint, chosen).run()


def options(listener_fd: int, *, threads: int, deadline_seconds: float) -> dict[str, Any]:
    """Return gunicorn's settings."""
    shared_memory = os.path.isdir(_SHARED_MEMORY) and os.access(_SHARED_MEMORY, os.W_OK)  # noqa: PTH112
    return edge_settings() | {
        "bind": f"fd://{listener_fd}",
        "backlog": _BACKLOG,
        "workers": 1,
        "threads": threads,
        # Requests in flight can use their full deadline.
        "graceful_timeout": math.ceil(deadline_seconds) + _STOP_MARGIN_SECONDS,
        # The heartbeat's file is in memory: the root file system may be read-only, and a disk may stall.
        "worker_tmp_dir": _SHARED_MEMORY if shared_memory else None,
    }


class _Server(BaseApplication):  # type: ignore[misc]
    """gunicorn, configured only by these options: it reads no file and no command line."""

    def __init__(self, endpoint: Endpoint, chosen: dict[str, Any]) -> None:
        self._endpoint = endpoint
        self._chosen = chosen
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._chosen.items():
            self.cfg.set(name, value)

    def load(self) -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
        return application(self._endpoint)


def application(endpoint: Endpoint) -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
    """Return ``endpoint`` as a WSGI application (PEP 3333)."""

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        response = endpoint(Request(environ))
        if response.status_code in _BODILESS:
            return response(environ, start_response)
        # The line above would copy and check fields that no answer here has.
        start_response(response.status, response.headers.to_wsgi_list())
        return [response.get_data()]

    return answer
