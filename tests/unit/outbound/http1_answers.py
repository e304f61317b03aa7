"""What the tests of HTTP/1.1 read and send."""

from __future__ import annotations

import socket

from mintcore.clock import CorrectedClock
from mintcore.outbound.http1 import RawAnswer, exchange, request_bytes
from mintcore.request import Deadline

REQUEST = request_bytes("GET", "/", "service.example", {}, None)


class Sent:
    """A socket whose peer has sent ``data`` and gone."""

    def __init__(self, data: bytes) -> None:
        self._ours, self._theirs = socket.socketpair()
        self._theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * len(data) + 4096)
        self._theirs.sendall(data)
        self._theirs.shutdown(socket.SHUT_WR)

    def __enter__(self) -> socket.socket:
        return self._ours

    def __exit__(self, *_: object) -> None:
        self._theirs.close()
        self._ours.close()


def read(data: bytes, max_bytes: int = 1000) -> RawAnswer:
    with Sent(data) as sock:
        return exchange(sock, REQUEST, Deadline(CorrectedClock(), 5), max_bytes=max_bytes)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0"
