"""The framer and the server's own parser agree about any bytes, in any pieces."""

from __future__ import annotations

from typing import Any

from gunicorn.config import Config
from gunicorn.http import get_parser
from hypothesis import example, given
from hypothesis import strategies as st

from mintcore.http.framing import MAX_CHUNKS, MAX_HEAD, Framer

MAX_BODY = 100
LINE = st.sampled_from(
    [
        b"Host: x",
        b"Content-Length: 5",
        b"content-length:0",
        b"Content-Length: 101",
        b"Content-Length: 1_0",
        b"Content-Length: -1",
        b"Content-Length : 5",
        b"Transfer-Encoding: chunked",
        b"Transfer-Encoding: Chunked",
        b"Transfer_Encoding: chunked",
        b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding: identity",
        b" folded",
        b"Expect: 100-continue",
        b"Expect: 200-ok",
        b"X: a\nContent-Length: 9",
        b"X: \xe4",
        b"",
    ]
)
CHUNK = st.sampled_from(
    [
     b"5\r\nhello\r\n", b"0\r\n\r\n", b"0\r\nX: y\r\n\r\n", b"5;a=b\r\nhello\r\n", b"05 \r\nhello\r\n", b"g\r\n",
     b"6\r\nhello\r\n",
     b"5\r\nhelloX\n", b"\r\n", b"5\nhello\n", b"40\r\n" + b"a" * 64 + b"\r\n", b"hello",
     b"0\r\nX: y\n\r\n\r\n", b""]
)  # fmt: skip
REQUEST = st.builds(
    lambda first, lines, body: b"\r\n".join([first, *lines, b"", b""]) + b"".join(body),
    st.sampled_from(
        [b"POST / HTTP/1.1", b"GET /health HTTP/1.0", b"\r\nGET / HTTP/1.1", b"GET / HTTP/1.1\n", b"x", b""]
    ),
    st.lists(LINE, max_size=4),
    st.lists(CHUNK, max_size=4),
)
STREAM = st.lists(REQUEST | st.binary(max_size=30), min_size=1, max_size=3).map(b"".join)


class Source:
    """What the server's parser reads from: bytes, then the end."""

    def __init__(self, data: bytes) -> None:
        self.left = data

    def recv(self, size: int) -> bytes:
        taken, self.left = self.left[:size], self.left[size:]
        return taken


def parsed(data: bytes) -> tuple[bytes | None, bytes]:
    """Return the body that the server's parser reads, ``None`` for none, and what it left."""
    source = Source(data)
    parser: Any = get_parser(Config(), source, ("127.0.0.1", 1))
    try:
        message = next(parser)
        body: bytes | None = message.body.read()
        declared = dict(message.headers).get("CONTENT-LENGTH", "")
        # The parser reads a body that was cut off as a shorter one.
        if body is not None and declared.isdigit() and len(body) < int(declared):
            body = None
    except Exception:  # noqa: BLE001 - refused or cut off, in one of its many ways
        body = None
    return body, parser.unreader.take_buffered() + source.left


def framed(stream: bytes, cuts: list[int]) -> tuple[Framer, bool]:
    """Feed the stream in pieces."""
    framer, data, done = Framer(MAX_BODY), bytearray(), False
    bounds = sorted({min(cut, len(stream)) for cut in cuts} | {len(stream)})
    for start, stop in zip([0, *bounds], bounds, strict=False):
        data += stream[start:stop]
        if done := framer.scan(data):
            break
    return framer, done


@given(stream=STREAM, cuts=st.lists(st.integers(1, 300), max_size=8))
@example(stream=b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", cuts=[1])
@example(stream=b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n", cuts=[18])
def test_what_is_whole_is_read_to_its_end_and_no_further(stream: bytes, cuts: list[int]) -> None:
    framer, done = framed(stream, cuts)
    if done and not framer.closes:
        body, left = parsed(stream[: framer.end])
        if body is not None:
            assert left == b""
        # A parser that refuses the head ends the connection, so what follows is never read.


@given(stream=STREAM, cuts=st.lists(st.integers(1, 300), max_size=8))
@example(stream=b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", cuts=[])
def test_what_waits_for_more_is_not_yet_a_request_to_the_parser(stream: bytes, cuts: list[int]) -> None:
    _, done = framed(stream, cuts)
    if not done:
        assert parsed(stream)[0] is None


@given(stream=STREAM, cuts=st.lists(st.integers(1, 300), max_size=8))
def test_pieces_make_no_difference_to_what_is_whole(stream: bytes, cuts: list[int]) -> None:
    whole, at_once = framed(stream, [])
    pieces, in_pieces = framed(stream, cuts)
    assert at_once == in_pieces
    if at_once and not whole.closes:
        assert (pieces.end, pieces.closes) == (whole.end, False)


@given(data=st.binary(max_size=400), cuts=st.lists(st.integers(1, 400), max_size=8))
def test_no_bytes_make_it_raise(data: bytes, cuts: list[int]) -> None:
    framed(data, cuts)


@given(size=st.integers(MAX_HEAD + 1, MAX_HEAD + 20_000), newline=st.booleans())
def test_a_head_without_an_end_is_given_up(size: int, newline: bool) -> None:
    head = b"GET / HTTP/1.1\r\nX: " if newline else b"GET /"
    framer, done = framed(head + b"a" * size, [10, 5_000])
    assert (done, framer.closes, framer.head_too_long) == (True, True, newline)


@given(chunks=st.integers(250, 260), cuts=st.lists(st.integers(1, 1800), max_size=8))
def test_a_body_in_too_many_chunks_is_given_up_before_the_next_one(chunks: int, cuts: list[int]) -> None:
    head, chunk = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"0001;a=b\r\na\r\n"
    data = bytearray(head + chunk * chunks + b"0\r\n\r\n")
    framer, done = Framer(10_000), False
    for stop in [*sorted(cuts), len(data)]:
        done = done or framer.scan(data[:stop])
    assert done
    assert framer.closes == (chunks >= MAX_CHUNKS)
    assert framer.end == len(head) + len(chunk) * min(chunks, MAX_CHUNKS) + (0 if framer.closes else 5)
