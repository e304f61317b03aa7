"""HTTP/1.1 as bytes (RFC 9112): a request in one piece, and the head of an answer.

Connections, TLS and bodies are the standard library's http.client. What it is slow at is here: it puts a request
together header by header, and hands an answer's head to the e-mail parser, which costs more than the rest of the
call (docs/adr/0004). Where RFC 9112 lets a reader be lenient, this one refuses.
"""

from __future__ import annotations

import io
import re
from http.client import HTTPException, HTTPResponse, RemoteDisconnected
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from mintcore.ports import Deadline

LONGEST_LINE = 64 * 1024
MOST_FIELDS = 100
_MOST_INTERIM_ANSWERS = 10
# A timeout of 0 would make the socket not block at all.
_LEAST_TIMEOUT_SECONDS = 0.001
_STATUS_LINE = re.compile(rb"HTTP/1\.([0-9]) ([1-9][0-9]{2})(?: [^\r\n]*)?\r?\n")
_FIELD_LINE = re.compile(r"^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\0\r\n]*)\r?\n", re.MULTILINE)
_LENGTH = re.compile(r"[0-9]{1,15}")
_END = (b"\r\n", b"\n")
_INTERIM = range(100, 200)
_SWITCHING_PROTOCOLS = 101
_NO_CONTENT = 204
_NOT_MODIFIED = 304
_MINOR_VERSION_THAT_STAYS_OPEN = 1


class BadAnswer(HTTPException):
    """An answer whose head is not HTTP/1.1, or leaves open where its body ends."""


def request_bytes(method: str, target: str, host: str, fields: Mapping[str, str], body: bytes | None) -> bytes:
    """Return a whole request. Raises ValueError for a text that would not stay on its line."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Accept-Encoding: identity"]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    lines += [f"{name}: {value}" for name, value in fields.items()]
    text = "".join(lines)
    if " " in target or not (text.isascii() and text.isprintable()):
        raise ValueError("a request's target or field that is not printable ASCII")
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


class AnswerReader(HTTPResponse):
    """One answer, read from ``sock`` until ``deadline`` and not longer, however slowly it drips.

    After :meth:`begin`, ``status`` is there, and ``fields``: the header's fields by their names in lower case,
    those of one name joined as RFC 9110 §5.3 says. The body is read as http.client has it read.
    """

    fields: Mapping[str, str]

    def __init__(self, sock: socket.socket, method: str, deadline: Deadline) -> None:
        super().__init__(_Wire(sock, deadline), method=method)  # type: ignore[arg-type]

    def begin(self) -> None:
        """Read the head. Raises BadAnswer, RemoteDisconnected, or what the socket raises."""
        for _ in range(_MOST_INTERIM_ANSWERS):
            minor_version, self.status = _read_status(self.fp)
            self.fields = _read_fields(self.fp)
            if self.status not in _INTERIM or self.status == _SWITCHING_PROTOCOLS:
                break
        else:
            raise BadAnswer("interim answers without end")
        self._frame(minor_version)

    def _frame(self, minor_version: int) -> None:
        """Set where the body ends (RFC 9112 §6.3), and whether the connection can be used again (§9.3)."""
        coding, length = self.fields.get("transfer-encoding"), self.fields.get("content-length")
        if coding is not None and (coding.lower() != "chunked" or length is not None):
            raise BadAnswer("a body whose end is doubtful")
        if length is not None and not _LENGTH.fullmatch(length):
            raise BadAnswer("a length that is none")
        self.chunked = coding is not None
        self.chunk_left = None
        self.length = None if length is None else int(length)
        if self.status in {_NO_CONTENT, _NOT_MODIFIED}:
            self.chunked, self.length = False, 0
        options = self.fields.get("connection", "").lower()
        stays_open = "keep-alive" in options if minor_version < _MINOR_VERSION_THAT_STAYS_OPEN else True
        self.will_close = not stays_open or "close" in options or (self.length is None and not self.chunked)


class _Wire(io.RawIOBase):
    """A socket's bytes, until the deadline: a peer that sends a byte a second gets no second more."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return the reader that http.client asks a socket for."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        set_timeout(self._sock, self._deadline)
        return self._sock.recv_into(buffer)


def set_timeout(sock: socket.socket, deadline: Deadline) -> None:
    """Let the next operation on ``sock`` take what is left of the time. Raises TimeoutError if nothing is."""
    remaining = deadline.remaining()
    if remaining <= 0:
        raise TimeoutError
    sock.settimeout(max(_LEAST_TIMEOUT_SECONDS, remaining))


def _read_status(stream: BinaryIO) -> tuple[int, int]:
    """Return HTTP's minor version and the status."""
    line = stream.readline(LONGEST_LINE)
    if not line:
        raise RemoteDisconnected("closed before an answer")
    match = _STATUS_LINE.fullmatch(line)
    if match is None:
        raise BadAnswer("a status line that is none")
    return int(match[1]), int(match[2])


def _read_fields(stream: BinaryIO) -> dict[str, str]:
    lines: list[bytes] = []
    while (line := stream.readline(LONGEST_LINE)) not in _END:
        lines.append(line)
        if len(lines) > MOST_FIELDS or not line:
            raise BadAnswer("a head without end")
    found = _FIELD_LINE.findall(b"".join(lines).decode("latin-1"))
    if len(found) != len(lines):
        raise BadAnswer("a field line that is none")
    fields: dict[str, str] = {}
    for name, value in found:
        key = name.lower()
        text = value.strip(" \t")
        fields[key] = f"{fields[key]}, {text}" if key in fields else text
    return fields
