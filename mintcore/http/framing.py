"""Find where one HTTP/1.1 request ends in a stream of bytes (RFC 9112 §6 and §7).

So a thread can read the request without waiting for its client. This module validates nothing else. The server's
own parser reads the same bytes afterwards, and only up to the end that was found here. So if the two disagree, the
connection ends. Attack: no request can be smuggled inside another one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_HEAD = 64 * 1024
# A chunked body may take this many times the size of its content: chunk sizes and extensions are overhead.
_MAX_OVERHEAD = 4
# Attack: each chunk costs the parser 4 µs, so a body in chunks of a byte cost as much CPU as a hundred mints.
MAX_CHUNKS = 256
_MAX_LINE = 8192
_CRLF = b"\r\n"
_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"[0-9]{1,18}")
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?")
_CONTINUE = b"100-continue"
_FRAMING = re.compile(rb"\r\n(content-length|transfer-encoding|expect):([^\r]*)", re.IGNORECASE)


class Framer:
    """Finds the end of the request at the start of a buffer that grows.

    Call :meth:`scan` after each read. Once it returns ``True``, ``end`` is the request's length in bytes.
    ``closes`` is set if the rest of the stream must not be read as another request: the request is malformed,
    in too many chunks, or larger than ``max_body`` and incomplete. ``head_too_long`` is set if the fields are
    over the limit.
    """

    def __init__(self, max_body: int) -> None:
        self._max_body = max_body
        self.end = 0
        self.closes = False
        self.head_too_long = False
        self.awaits_continue = False
        self._position = 0
        self._decoded = 0
        self._chunks = 0
        self._wire_limit = 0
        self._step: Callable[[bytearray], bool | None] = self._head

    def scan(self, data: bytearray) -> bool:
        """Return whether a thread can take the request. ``data`` holds all bytes so far, the request's first."""
        while True:
            done = self._step(data)
            if done is not None:
                return done

    def _head(self, data: bytearray) -> bool | None:
        # One empty line before the request line is ignored (RFC 9112 §2.2).
        start = len(_CRLF) if data[:2] == _CRLF else 0
        if data[start : start + 2] == _CRLF:
            return self._give_up(len(data))
        end = data.find(_HEAD_END, max(start, self._position - len(_HEAD_END)))
        if _has_bare_newline(data, self._position, len(data) if end < 0 else end):
            return self._give_up(len(data))
        if max(end, len(data) if end < 0 else 0) > MAX_HEAD:
            # An endless request line is left to the parser, which refuses it with another status.
            self.head_too_long = data.find(_CRLF, len(_CRLF), MAX_HEAD) >= 0
            return self._give_up(len(data))
        if end < 0:
            self._position = len(data)
            return False
        self._position = end + len(_HEAD_END)
        return self._choose_body(bytes(data[start:end]))

    def _choose_body(self, head: bytes) -> bool | None:
        found = [(name.lower(), value.strip(b" \t").lower()) for name, value in _FRAMING.findall(head)]
        fields = dict(found)
        version_1_1 = head.partition(_CRLF)[0].endswith(b" HTTP/1.1")
        if len(fields) != len(found) or fields.get(b"expect", _CONTINUE) != _CONTINUE:
            return self._give_up(self._position)
        self.awaits_continue = b"expect" in fields and version_1_1
        length, coding = fields.get(b"content-length", b"0"), fields.get(b"transfer-encoding")
        if coding is not None:
            # Two framings, another coding, or chunks in HTTP/1.0: the server's parser refuses all three.
            if coding != b"chunked" or b"content-length" in fields or not version_1_1:
                return self._give_up(self._position)
            self._wire_limit = self._position + _MAX_OVERHEAD * self._max_body
            self._step = self._chunk_line
            return None
        if not _LENGTH.fullmatch(length) or int(length) > self._max_body:
            return self._give_up(self._position)
        self.end = self._position + int(length)
        self._step = self._sized_body
        return None

    def _sized_body(self, data: bytearray) -> bool | None:
        return len(data) >= self.end

    def _chunk_line(self, data: bytearray) -> bool | None:
        line_end = data.find(_CRLF, self._position)
        if line_end < 0:
            over = len(data) - self._position > _MAX_LINE
            return self._give_up(len(data)) if over else self._wait(data)
        line = _CHUNK_LINE.fullmatch(data, self._position, line_end)
        if line is None:
            return self._give_up(len(data))
        self._chunks += 1
        if self._chunks > MAX_CHUNKS:
            # The parser must not read further chunks that have arrived.
            return self._give_up(self._position)
        size = int(line[1], 16)
        self._position = line_end + len(_CRLF)
        if size == 0:
            self._step = self._trailers
            return None
        self._decoded += size
        self._position += size
        self._step = self._chunk_end
        return None

    def _chunk_end(self, data: bytearray) -> bool | None:
        # Larger than allowed: one byte over the limit is enough for the answer 413.
        if self._decoded > self._max_body and len(data) >= self._position - (self._decoded - self._max_body - 1):
            return self._give_up(len(data))
        if len(data) < self._position + len(_CRLF):
            return self._wait(data)
        if data[self._position : self._position + 2] != _CRLF:
            return self._give_up(len(data))
        self._position += len(_CRLF)
        self._step = self._chunk_line
        return None

    def _trailers(self, data: bytearray) -> bool | None:
        if data[self._position : self._position + 2] == _CRLF:
            return self._whole(self._position + len(_CRLF))
        end = data.find(_HEAD_END, self._position)
        size = (len(data) if end < 0 else end) - self._position
        if size > _MAX_LINE or _has_bare_newline(data, self._position, self._position + size):
            return self._give_up(len(data))
        return self._wait(data) if end < 0 else self._whole(end + len(_HEAD_END))

    def _wait(self, data: bytearray) -> bool:
        return self._give_up(len(data)) if len(data) > self._wire_limit else False

    def _whole(self, end: int) -> bool:
        self.end = end
        return True

    def _give_up(self, end: int) -> bool:
        self.end = end
        self.closes = True
        return True


def _has_bare_newline(data: bytearray, start: int, stop: int) -> bool:
    """Return whether a line ends in LF without CR."""
    if start and data[start - 1 : start] == b"\r":
        start -= 1
    return data.count(b"\n", start, stop) != data.count(_CRLF, start, stop)
