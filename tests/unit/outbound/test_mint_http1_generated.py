"""Generated HTTP answers: read as the standard library reads them, wherever the network cuts them."""

from __future__ import annotations

import contextlib
from http.client import HTTPResponse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintcore.outbound.http1 import BadAnswer
from tests.unit.outbound.http1_answers import CHUNKED, EMPTY, Sent, read

NAME = st.text("abcxyz0-_", min_size=1, max_size=12)
VALUE = st.text([chr(code) for code in range(0x20, 0x100) if not 0x7F <= code < 0xA0], max_size=20).map(str.strip)


@given(st.integers(200, 599), st.dictionaries(NAME, VALUE, max_size=8), st.binary(max_size=64))
def test_a_sound_answer_is_read_as_the_standard_library_reads_it(
    status: int, fields: dict[str, str], body: bytes
) -> None:
    fields["content-length"] = str(len(body))
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    data = "\r\n".join(lines).encode("latin-1") + body
    ours = read(data)
    with Sent(data) as sock, HTTPResponse(sock) as theirs:
        theirs.begin()
        assert (ours.status, ours.body) == (theirs.status, theirs.read())
        assert {name: value.strip(" \t") for name, value in theirs.headers.items()} == ours.fields
    # A body in an answer that cannot have one is an error.
    assert ours.reusable == (not body or status not in {204, 304})


PIECES = [b"HTTP/1.1 ", b"200 OK", b"\r\n", b"\n", b"\r", b"A", b": ", b"Content-Length: ", b"2", b"-1", b" ",
          b"\0", b"Transfer-Encoding: chunked", b"hi", b"100", b";"]  # fmt: skip


BEGINNINGS = [b"", EMPTY + b"\r\nA: ", b"HTTP/1.1 200 OK\r\nA: ", CHUNKED, CHUNKED + b"2\r\nhi\r\n0\r\nA: "]
MIDDLE = st.binary(max_size=64) | st.lists(st.sampled_from(PIECES), max_size=8).map(b"".join)
ENDS = [b"", b"\r\n\r\n", b"\r\n0\r\n\r\n"]


@given(st.tuples(st.sampled_from(BEGINNINGS), MIDDLE, st.sampled_from(ENDS)).map(b"".join))
def test_whatever_comes_is_an_answer_that_nothing_after_it_changes_or_a_bad_one(data: bytes) -> None:
    with contextlib.suppress(BadAnswer):
        answer = read(data)
        assert 200 <= answer.status <= 999
        if answer.reusable:
            assert read(data + b"HTTP/1.1 403 No\r\n\r\n") == answer._replace(reusable=False)


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=6), st.integers(0, 400))
def test_a_body_in_chunks_is_whole_or_refused_wherever_it_is_cut(pieces: list[bytes], cut: int) -> None:
    data = CHUNKED + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    assert read(data).body == b"".join(pieces)
    if cut < len(data):
        with pytest.raises(BadAnswer):
            read(data[:cut])
