"""Run an app in an HTTP/1.1 server on 127.0.0.1, record its traffic, and apply a test's faults.

It has a thread for each connection. `connection.py` reads and writes HTTP; the app answers.
"""

import contextlib
import logging
import socket
import threading
from collections.abc import Callable
from time import time
from typing import Self

from werkzeug.http import http_date
from werkzeug.wrappers import Request, Response

from fullsend_sandbox.clock import AdjustableClock, Clock
from fullsend_sandbox.connection import Connection
from fullsend_sandbox.faults import Faults
from fullsend_sandbox.traffic import Exchange, Traffic

App = Callable[[Request], Response]

HOST = "127.0.0.1"
BACKLOG = 1024

_logger = logging.getLogger(__name__)


class LoopbackService:
    """One service on loopback: `start` it, read its `url`, break it with `faults`, count its `traffic`.

    `clock.offset` moves its time, also that of the `Date` header.
    """

    def __init__(self, name: str, app: App, *, clock: Clock = time) -> None:
        self.name = name
        self.clock = AdjustableClock(clock)
        self.traffic = Traffic()
        self.faults = Faults()
        self._app = app
        self._listener: socket.socket | None = None
        self._acceptor: threading.Thread | None = None
        self._stopping = threading.Event()
        self._connections: dict[socket.socket, threading.Thread] = {}  # the acceptor uses it, then `stop`

    @property
    def port(self) -> int:
        """The port it listens on. Raises RuntimeError when it is not started."""
        if self._listener is None:
            raise RuntimeError(f"the sandbox service {self.name} is not started")
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """Its base URL, without a slash at the end. Raises RuntimeError when it is not started."""
        return f"http://{HOST}:{self.port}"

    def start(self, port: int = 0) -> Self:
        """Listen on `port`, or on one the system chooses. Raises OSError when the port is in use."""
        if self._listener is not None:
            raise RuntimeError(f"the sandbox service {self.name} is started already")
        self._stopping = threading.Event()
        self._listener = socket.create_server((HOST, port), backlog=BACKLOG)
        self._acceptor = threading.Thread(target=self._accept, name=f"{self.name}-accept", daemon=True)
        self._acceptor.start()
        return self

    def stop(self) -> None:
        """Close every connection, interrupt waiting requests, and end every thread; may be called again."""
        if self._listener is None or self._acceptor is None:
            return
        self._stopping.set()
        # Closing a listening socket does not wake `accept` on every system; a connection does.
        with contextlib.suppress(OSError):
            socket.create_connection((HOST, self.port), timeout=1).close()
        self._acceptor.join()
        self._listener.close()
        self._listener = self._acceptor = None
        for connection in self._connections:
            with contextlib.suppress(OSError):  # closed by its own thread
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._connections.values():
            thread.join()
        self._connections = {}

    def __enter__(self) -> Self:
        return self if self._listener is not None else self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _accept(self) -> None:
        listener = self._listener
        while listener is not None:
            try:
                connection, address = listener.accept()
            except OSError:
                continue
            if self._stopping.is_set():
                connection.close()
                return
            thread = threading.Thread(
                target=self._serve, args=(connection, address), name=f"{self.name}-connection", daemon=True
            )
            # A thread that ends does not remove itself: `stop` would not wait for its last instructions.
            self._connections = {open_: its for open_, its in self._connections.items() if its.is_alive()}
            self._connections[connection] = thread
            thread.start()

    def _serve(self, connection: socket.socket, address: tuple[str, int]) -> None:
        try:
            Connection(connection, address, self.answer)
        except OSError:
            pass  # the client went away
        finally:
            connection.close()

    def answer(self, request: Request, body: bytes) -> Response | None:
        """Answer one request, faults included, and record it; None means: close the connection."""
        fault = self.faults.match(request)
        if fault is None:
            response: Response | None = self._ask_app(request)
        else:
            response = fault.apply(lambda: self._ask_app(request), self._stopping)
        if response is not None:
            response.headers["Date"] = http_date(self.clock())
        self.traffic.record(
            Exchange(
                method=request.method,
                path=request.path,
                query=request.query_string.decode("latin-1"),
                headers={name.lower(): value for name, value in request.headers.items()},
                body=body,
                status=None if response is None else response.status_code,
                at=self.clock(),
            )
        )
        return response

    def _ask_app(self, request: Request) -> Response:
        try:
            return self._app(request)
        except Exception:
            # A bug of the sandbox: log it, and answer, because a dropped connection would look like a fault.
            _logger.exception("sandbox service %s failed on %s %s", self.name, request.method, request.path)
            return Response("the sandbox failed; see its log", status=500)
