"""One client's connection to the server, and the bytes received on it.

The server's parser reads from the bytes of one whole request and never from the socket, so no thread waits for a
client. Bytes after that request stay here until it has been answered.
"""

from __future__ import annotations

import contextlib
import fcntl
import socket
import struct
import termios
from typing import TYPE_CHECKING, Any

from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser
from gunicorn.workers.gthread import TConn

from mintcore.http.framing import Framer
from mintcore.http.incoming import MAX_BODY

if TYPE_CHECKING:
    from mintcore.http.answering import FixedSettings

# How long one send may wait for a client that does not read its answer.
SEND_SECONDS = 5
# A client that pipelines can have at most this much buffered after the request that a thread has taken.
_READ_BYTES = 16 * 1024
# Larger than any answer: a send blocks only if the client left earlier answers unread.
_SEND_BUFFER = 256 * 1024
_MAX_UNREAD = 64 * 1024
_DISCARD_BYTES = 64 * 1024
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class RequestBytes:
    """The bytes of one request, as gunicorn's parser reads them; after them the stream ends."""

    def __init__(self) -> None:
        self.data = b""

    def recv(self, size: int) -> bytes:
        """Return at most ``size`` bytes; empty once all are read."""
        taken, self.data = self.data[:size], self.data[size:]
        return taken


class _Request(Request):  # type: ignore[misc]
    """gunicorn's request, from a peer that is never a trusted proxy: ``forwarded_allow_ips`` is empty."""

    def _peer_is_trusted_proxy(self) -> bool:
        # gunicorn would parse the peer's address for each request, only to compare it with an empty list.
        return False


class _Parser(RequestParser):  # type: ignore[misc]
    mesg_class = _Request


class Connection(TConn):  # type: ignore[misc]
    """A connection whose requests are received before a thread takes them.

    ``deadline`` is the monotonic time until which it may wait for its client. ``taken`` is the size of the request
    that waits for a thread or its answer. :mod:`~mintcore.http.waiting` uses ``accounted`` to add up the bytes of
    all connections, and the worker's poller uses ``watched``.
    """

    def __init__(
        self, cfg: FixedSettings, sock: socket.socket, client: Any, server: Any, *, deadline: float
    ) -> None:
        super().__init__(cfg, sock, client, server)
        # Blocking, because threads call sendall(). A caller that must not wait passes MSG_DONTWAIT.
        sock.settimeout(None)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_SECONDS, 0))
        self.deadline = deadline
        self.watched = False
        self.accounted = 0
        self.taken = 0
        self._source = RequestBytes()
        self.parser: Any = _Parser(cfg, self._source, client)
        # gunicorn would otherwise let a thread wait for the first byte.
        self.data_ready = True
        self._received = bytearray()
        self._framer = Framer(MAX_BODY)
        self._continued = False
        self._discarded = 0

    @property
    def buffered(self) -> int:
        """The number of buffered bytes of requests that have no answer yet."""
        return len(self._received) + self.taken

    @property
    def closes(self) -> bool:
        """Whether the request that a thread has taken is the last one on this connection."""
        return self._framer.closes

    @property
    def head_too_long(self) -> bool:
        """Whether the request's head is over the limit."""
        return self._framer.head_too_long

    def receive(self) -> bool:
        """Read what has arrived and return whether a thread can take the request. Raises ConnectionError.

        Also raises it at the end of the stream.
        """
        try:
            data = self.sock.recv(_READ_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        if not data:
            raise ConnectionResetError
        self._received += data
        return self.ready()

    def ready(self) -> bool:
        """Return whether a thread can take the next request."""
        if not self._received:
            return False
        done = self._framer.scan(self._received)
        if not done and self._framer.awaits_continue and not self._continued:
            # The client waits for this before it sends the body (RFC 9110 §10.1.1).
            self._continued = True
            self.say(_CONTINUE)
        return done

    def say(self, what: bytes) -> None:
        """Send a few bytes if that does not block."""
        with contextlib.suppress(OSError):
            self.sock.send(what, socket.MSG_DONTWAIT)

    def hand_over(self) -> None:
        """Give the parser the bytes of the request, without the bytes after it."""
        self.taken = end = self._framer.end
        self._source.data = bytes(self._received[:end])
        del self._received[:end]

    def reads_answers(self) -> bool:
        """Return whether the client reads its answers: a thread must not wait for a client that only sends."""
        try:
            unread: int = struct.unpack("i", fcntl.ioctl(self.sock, termios.TIOCOUTQ, b"\0" * 4))[0]
        except OSError:
            return True
        return unread <= _MAX_UNREAD

    def next_request(self) -> bool:
        """Return whether another request can follow, and prepare for it."""
        unread = self._source.data or self.parser.unreader.take_buffered()
        if self.closes or unread:
            # The parser and the framer found different ends, so the next bytes could be a body or a request.
            return False
        self._framer = Framer(MAX_BODY)
        self._continued = False
        return True

    def end(self) -> None:
        """Send nothing more, and drop what has arrived behind the last request. Raises OSError."""
        self._received.clear()
        self.sock.shutdown(socket.SHUT_WR)

    def discard(self, max_bytes: int) -> bool:
        """Read and drop received bytes, ``max_bytes`` in total; return whether more may come."""
        try:
            size = len(self.sock.recv(_DISCARD_BYTES, socket.MSG_DONTWAIT))
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._discarded += size
        return size > 0 and self._discarded <= max_bytes

    def close(self, graceful: bool = False) -> None:  # noqa: FBT001, FBT002, ARG002 - gunicorn's signature
        """Close at once. gunicorn's graceful way waits for the client in the serving thread."""
        self._received.clear()
        self.taken = 0
        super().close()
