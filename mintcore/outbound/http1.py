"""Write HTTP/1.1 requests to a socket and read their answers (RFC 9112).

Outgoing calls dominate the cost of a mint, and http.client takes nearly three times as long per call
(docs/adr/0004). Where RFC 9112 allows a reader to be lenient, this module refuses.
"""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING, NamedTuple

from mintcore.request import Deadline

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

MAX_HEAD = 64 * 1024
MAX_CHUNK_LINE = 1024
MAX_TRAILER_FIELDS = 100
_MAX_INTERIM_ANSWERS = 10
_PIECE = 64 * 1024
_EOL = b"\r\n"
_STATUS_LINE = re.compile(r"HTTP/1\.([0-9]) ([1-9][0-9]{2})(?: [^\0\r\n]*)?")
_NAME = (string.ascii_letters + string.digits + "!#$%&'*+.^_`|~-").encode()
_LENGTH = re.compile(r"[0-9]{1,15}")
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\0\r\n]*)?")
_INTERIM = range(100, 200)
_SUCCESS = range(200, 300)
_NO_CONTENT = 204
_NOT_MODIFIED = 304
_ARRIVED_SECONDS = 0.05


class BadAnswer(Exception):
    """A malformed, truncated or ambiguously framed answer."""


class TooLarge(BadAnswer):
    """An answer whose body exceeds the limit."""


class TunnelRefused(BadAnswer):
    """A proxy refuses to open a tunnel; ``status`` is the HTTP status of its answer."""

    def __init__(self, status: int) -> None:
        super().__init__(f"it answers with status {status}")
        self.status = status


class RawAnswer(NamedTuple):
    """An answer. ``fields`` are keyed by name in lower case; repeated ones are joined (RFC 9110 §5.3).

    ``reusable`` tells whether the connection can take another request (RFC 9112 §9.3).
    """

    status: int
    fields: Mapping[str, str]
    body: bytes
    reusable: bool

    def __repr__(self) -> str:
        return f"RawAnswer({self.status}, {len(self.body)} bytes)"


def request_bytes(method: str, target: str, host: str, fields: Mapping[str, str], body: bytes | None) -> bytes:
    """Return a whole request. Raises ValueError for a field or target that would break its line."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Accept-Encoding: identity"]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    lines += [f"{name}: {value}" for name, value in fields.items()]
    text = "".join(lines)
    if " " in target or not (text.isascii() and text.isprintable()):
        raise ValueError("a target or field of the request is not printable ASCII")
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


def exchange(
    sock: socket.socket,
    request: bytes,
    deadline: Deadline,
    *,
    max_bytes: int,
    meanwhile: Callable[[], None] | None = None,
) -> RawAnswer:
    """Send a request that is not HEAD and return its answer, with a body of ``max_bytes`` bytes at most.

    ``meanwhile`` is called after sending. An answer that arrived while it ran is read even if the deadline has
    passed. Raises BadAnswer, OSError, or TimeoutError at the deadline, even if bytes still arrive slowly.
    """
    set_timeout(sock, deadline)
    sock.sendall(request)
    if meanwhile is not None:
        meanwhile()
        deadline = Deadline(deadline.clock, max(deadline.remaining(), _ARRIVED_SECONDS))
    return _Reader(sock, deadline, max_bytes).answer()


def open_tunnel(sock: socket.socket, authority: str, fields: Mapping[str, str], deadline: Deadline) -> None:
    """Ask the proxy to connect to ``authority``, a host and a port (RFC 9110 §9.3.6).

    Raises OSError, BadAnswer for a malformed answer, or TunnelRefused.
    """
    set_timeout(sock, deadline)
    sock.sendall(request_bytes("CONNECT", authority, authority, fields, None))
    _Reader(sock, deadline, max_bytes=0).tunnel()


def set_timeout(sock: socket.socket, deadline: Deadline) -> None:
    """Limit the next operation on ``sock`` to the time left. Raises TimeoutError if the deadline has passed."""
    remaining = deadline.remaining()
    if remaining <= 0:
        raise TimeoutError
    sock.settimeout(remaining)


class _Reader:
    """Reads one answer."""

    def __init__(self, sock: socket.socket, deadline: Deadline, max_bytes: int) -> None:
        self._sock = sock
        self._deadline = deadline
        self._max_bytes = max_bytes
        self._buffer = bytearray()

    def answer(self) -> RawAnswer:
        for _ in range(_MAX_INTERIM_ANSWERS):
            minor_version, status, fields = _parse_head(self._until(_EOL * 2, MAX_HEAD))
            if status not in _INTERIM:
                break
        else:
            raise BadAnswer("too many interim answers")
        body, ended = self._body(status, fields)
        options = fields.get("connection", "").lower()
        stays_open = "close" not in options and (minor_version > 0 or "keep-alive" in options)
        # Surplus bytes would become the start of the next answer.
        return RawAnswer(status, fields, body, ended and stays_open and not self._buffer)

    def tunnel(self) -> None:
        _, status, _ = _parse_head(self._until(_EOL * 2, MAX_HEAD))
        if status not in _SUCCESS:
            raise TunnelRefused(status)
        if self._buffer:
            raise BadAnswer("more than an answer")

    def _body(self, status: int, fields: Mapping[str, str]) -> tuple[bytes, bool]:
        """Return the body, and whether the message itself marks its end (RFC 9112 §6.3)."""
        coding, length = fields.get("transfer-encoding"), fields.get("content-length")
        if coding is not None and (coding.lower() != "chunked" or length is not None):
            raise BadAnswer("a body without a clear end")
        if length is not None and not _LENGTH.fullmatch(length):
            raise BadAnswer("an invalid length")
        if status in {_NO_CONTENT, _NOT_MODIFIED}:
            # A 204 that announces a body may still send it; the next answer would then begin with it.
            return b"", status == _NOT_MODIFIED or (coding is None and length in {None, "0"})
        if coding is not None:
            return self._chunks(), True
        if length is not None:
            return self._take(int(length)), True
        return self._rest(), False

    def _chunks(self) -> bytes:
        """Return the chunked body; the trailer is read and dropped (RFC 9112 §7.1)."""
        body = bytearray()
        while True:
            line = _CHUNK_LINE.fullmatch(self._until(_EOL, MAX_CHUNK_LINE))
            if line is None:
                raise BadAnswer("an invalid chunk length")
            size = int(line[1], 16)
            if not size:
                break
            if len(body) + size > self._max_bytes:
                raise TooLarge
            body += self._take(size)
            if self._take(len(_EOL)) != _EOL:
                raise BadAnswer("a chunk longer than its length")
        for _ in range(MAX_TRAILER_FIELDS + 1):
            if not self._until(_EOL, MAX_HEAD):
                return bytes(body)
        raise BadAnswer("a trailer that is too long")

    def _rest(self) -> bytes:
        while len(self._buffer) <= self._max_bytes:
            if not self._more():
                break
        else:
            raise TooLarge
        return bytes(self._buffer)

    def _take(self, size: int) -> bytes:
        if size > self._max_bytes:
            raise TooLarge
        while len(self._buffer) < size:
            if not self._more():
                raise BadAnswer("an incomplete answer")
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _until(self, mark: bytes, max_bytes: int) -> bytes:
        """Return the bytes before ``mark``, at most ``max_bytes``, and drop the mark."""
        searched = 0
        while (end := self._buffer.find(mark, searched, max_bytes + len(mark))) < 0:
            searched = max(0, len(self._buffer) - len(mark))
            if searched >= max_bytes:
                raise BadAnswer("a head or line that is too long")
            if not self._more():
                raise BadAnswer("an incomplete answer" if self._buffer else "no answer and closed the connection")
        taken = bytes(self._buffer[:end])
        del self._buffer[: end + len(mark)]
        return taken

    def _more(self) -> bool:
        """Read once; tell whether any bytes came."""
        set_timeout(self._sock, self._deadline)
        piece = self._sock.recv(_PIECE)
        self._buffer += piece
        return bool(piece)


def _parse_head(head: bytes) -> tuple[int, int, dict[str, str]]:
    """Return HTTP's minor version, the status and the fields."""
    first, *lines = head.decode("latin-1").split("\r\n")
    status_line = _STATUS_LINE.fullmatch(first)
    if status_line is None:
        raise BadAnswer("an invalid status line")
    fields: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        key, text = name.lower(), value.strip(" \t")
        if not (name and colon):
            raise BadAnswer("an invalid field line")
        fields[key] = f"{fields[key]}, {text}" if key in fields else text
    # All fields are checked with one search: GitHub sends 25, and checking each would double the time.
    foreign = "".join(fields).encode("latin-1").translate(None, _NAME)
    if foreign or b"\0" in head or not head.count(b"\r") == head.count(b"\n") == len(lines):
        raise BadAnswer("an invalid field line")
    return int(status_line[1]), int(status_line[2]), fields
