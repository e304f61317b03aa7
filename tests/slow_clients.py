"""Run many slow clients in one thread."""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import threading
from time import monotonic
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

SILENT = b""
SLOW_HEAD = b"POST /v1/token HTTP/1.1\r\nHost: mint.example.com\r\nX-Padding: " + b"a" * 1000
SLOW_BODY = (
    b"POST /v1/token HTTP/1.1\r\nHost: mint.example.com\r\nAuthorization: Bearer x\r\nContent-Length: 60000\r\n\r\n"
)


SLOW = [SLOW_HEAD] * 100 + [SLOW_BODY] * 100
MANY_SILENT = [SILENT] * 1000


def slowest_but_one(asks: Iterable[Callable[[], int]]) -> float:
    """Return the seconds that 99 of 100 answers stayed within; each has to be 200."""
    times = []
    for ask in asks:
        started = monotonic()
        assert ask() == 200
        times.append(monotonic() - started)
    return sorted(times)[-2]


class SlowClients:
    """Connections that each send ``start`` at once and then a byte every ``every`` seconds, until left.

    One that the server closes is opened again, so the number stays.
    """

    def __init__(
        self,
        port: int,
        starts: Sequence[bytes],
        *,
        every: float = 4.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._port = port
        self._starts = starts
        self._every = every
        self._tls = tls
        self._sockets: dict[socket.socket, bytes] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="slow-clients", daemon=True)
        self.reopened = 0

    def __enter__(self) -> Self:
        for start in self._starts:
            self._open(start)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)
        for sock in self._sockets:
            sock.close()

    def _open(self, start: bytes) -> None:
        sock = socket.create_connection(("127.0.0.1", self._port), timeout=10)
        if self._tls is not None and start:
            sock = self._tls.wrap_socket(sock, server_hostname="mint.example.com")
        sock.sendall(start)
        sock.settimeout(0)
        self._sockets[sock] = start

    def _run(self) -> None:
        drip = monotonic() + self._every
        while not self._stop.wait(0.2):
            for sock in self._ended():
                start = self._sockets.pop(sock)
                sock.close()
                self.reopened += 1
                with contextlib.suppress(OSError):
                    self._open(start)
            if monotonic() > drip:
                drip = monotonic() + self._every
                for sock, start in self._sockets.items():
                    if start:
                        with contextlib.suppress(OSError):
                            sock.send(b"a")

    def _ended(self) -> list[socket.socket]:
        """Return the sockets that the server has answered or closed."""
        with selectors.DefaultSelector() as selector:
            for sock in self._sockets:
                selector.register(sock, selectors.EVENT_READ)
            return [key.fileobj for key, _ in selector.select(0) if self._gone(key.fileobj)]  # type: ignore[misc, arg-type]

    @staticmethod
    def _gone(sock: socket.socket) -> bool:
        """Whether the server has sent an answer or closed; a TLS session ticket is neither."""
        try:
            sock.recv(4096)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError:
            return True
        return True
