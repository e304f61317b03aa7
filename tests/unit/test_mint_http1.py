"""Requests and heads of answers as bytes; whole exchanges are in test_mint_outbound.py."""

from __future__ import annotations

import socket
import time
from http.client import HTTPException, HTTPResponse, RemoteDisconnected

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintcore.clock import WorldClock
from mintcore.http1 import LONGEST_LINE, MOST_FIELDS, AnswerReader, BadAnswer, request_bytes
from mintcore.ports import Deadline
from tests.unit.loopback_peer import Peer


class Sent:
    """A socket whose peer has sent ``data`` and gone."""

    def __init__(self, data: bytes) -> None:
        self._ours, theirs = socket.socketpair()
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * len(data) + 4096)
        with theirs:
            theirs.sendall(data)

    def __enter__(self) -> socket.socket:
        return self._ours

    def __exit__(self, *_: object) -> None:
        self._ours.close()


def whole_answer(sock: socket.socket, seconds: float = 5.0) -> tuple[AnswerReader, bytes]:
    with AnswerReader(sock, "GET", Deadline(WorldClock(), seconds)) as reader:
        reader.begin()
        return reader, reader.read()


def read(data: bytes) -> tuple[AnswerReader, bytes]:
    with Sent(data) as sock:
        return whole_answer(sock)


def test_a_request_is_one_piece() -> None:
    assert request_bytes("POST", "/v1/token", "sts.example:8443", {"A": "b", "C": "d"}, b"x=y") == (
        b"POST /v1/token HTTP/1.1\r\nHost: sts.example:8443\r\nAccept-Encoding: identity\r\nContent-Length: 3\r\n"
        b"A: b\r\nC: d\r\n\r\nx=y"
    )


def test_a_request_without_a_body_names_no_length() -> None:
    assert (
        request_bytes("GET", "/", "h", {}, None)
        == b"GET / HTTP/1.1\r\nHost: h\r\nAccept-Encoding: identity\r\n\r\n"
    )


@pytest.mark.parametrize("bad", ["a\r\nX: y", "a\nb", "a\rb", "a\0b", "a\x7fb", "\u00e9", "\u2028", "\t"])
def test_what_would_not_stay_on_its_line_is_not_sent(bad: str) -> None:
    for target, fields in (("/" + bad, {}), ("/", {"X": bad}), ("/", {bad: "x"})):
        with pytest.raises(ValueError, match="printable"):
            request_bytes("GET", target, "h", fields, None)
    with pytest.raises(ValueError, match="printable"):
        request_bytes("GET", "/a b", "h", {}, None)


def test_fields_are_found_by_their_names_in_lower_case_and_joined() -> None:
    reader, body = read(b"HTTP/1.1 200 OK\r\nX-One:  1 \t\r\nx-ONE:2\r\nEmpty:\r\nContent-Length: 2\r\n\r\nhi")
    assert reader.fields == {"x-one": "1, 2", "empty": "", "content-length": "2"}
    assert (reader.status, body, reader.will_close) == (200, b"hi", False)


def test_as_many_fields_as_there_may_be_are_read() -> None:
    many = b"".join(b"A%d: b\r\n" % number for number in range(MOST_FIELDS))
    assert len(read(b"HTTP/1.1 204 X\r\n" + many + b"\r\n")[0].fields) == MOST_FIELDS


def test_interim_answers_are_passed_over() -> None:
    head = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    reader, body = read(head + b"HTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nx")
    assert (reader.status, body, "link" in reader.fields) == (201, b"x", False)


@pytest.mark.parametrize(
    ("head", "again"),
    [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2", True),
        ("HTTP/1.1 200\r\nContent-Length: 2", True),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close", False),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: x, Close", False),
        ("HTTP/1.1 200 OK\r\n", False),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2", False),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive", True),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive", False),
    ],
)
def test_a_connection_is_used_again_where_the_body_has_an_end(head: str, again: bool) -> None:
    reader, body = read(f"{head.rstrip()}\r\n\r\nhi".encode())
    assert (body, not reader.will_close) == (b"hi", again)


@pytest.mark.parametrize("status", [204, 304])
def test_some_answers_have_no_body_whatever_they_say(status: int) -> None:
    reader, body = read(f"HTTP/1.1 {status} X\r\nContent-Length: 5\r\n\r\n".encode())
    assert (body, reader.will_close) == (b"", False)


def test_a_body_in_chunks_is_put_together() -> None:
    reader, body = read(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\na\r\n2;x=y\r\nbc\r\n0\r\nTrailer: x\r\n\r\n"
    )
    assert (body, reader.will_close) == (b"abc", False)


BAD_HEADS = {
    "nothing of HTTP": b"garbage\r\n\r\n", "a NUL": b"HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n",
    "a lone CR": b"HTTP/1.1 200 OK\r\nA: b\rContent-Length: 2\r\n\r\nhi",
    "a TLS alert": b"\x15\x03\x01\x00\x02\x02\x16",
    "HTTP/2": b"HTTP/2 200\r\n\r\n", "HTTP/0.9": b"<html></html>", "no status": b"HTTP/1.1 OK\r\n\r\n",
    "status 99": b"HTTP/1.1 099 X\r\n\r\n",
    "four digits": b"HTTP/1.1 2000 X\r\n\r\n",
    "digits of elsewhere": b"HTTP/1.1 \xef\xbc\x92\xef\xbc\x90\xef\xbc\x90 X\r\n\r\n",
    "a blank before": b" HTTP/1.1 200 OK\r\n\r\n", "status line cut off": b"HTTP/1.1 200",
    "a folded line": b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "no colon": b"HTTP/1.1 200 OK\r\nA\r\n\r\n",
    "a blank before the colon": b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nhi",
    "no name": b"HTTP/1.1 200 OK\r\n: b\r\n\r\n", "fields cut off": b"HTTP/1.1 200 OK\r\nA: b\r\n",
    "a line cut off": b"HTTP/1.1 200 OK\r\nA: b", "a long line": b"HTTP/1.1 200 OK\r\nA: " + b"x" * LONGEST_LINE,
    "many fields": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * (MOST_FIELDS + 1) + b"\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi!",
    "a length twice": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nhi",
    "a signed length": b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi",
    "a length with a line in it": b"HTTP/1.1 200 OK\r\nContent-Length: 1_0\r\n\r\nhi",
    "an empty length": b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhi",
    "a huge length": b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nhi",
    "length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "an unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunks twice": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "interim answers only": b"HTTP/1.1 100 Continue\r\n\r\n" * 50,
}  # fmt: skip


@pytest.mark.parametrize("data", BAD_HEADS.values(), ids=BAD_HEADS.keys())
def test_a_head_that_is_doubtful_is_refused(data: bytes) -> None:
    with pytest.raises(BadAnswer) as refused:
        read(data)
    assert len(str(refused.value)) < 100


def test_a_peer_that_has_gone_is_told_from_one_that_talks_nonsense() -> None:
    with pytest.raises(RemoteDisconnected):
        read(b"")


TOKEN = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,12}", fullmatch=True)
VALUE = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=20).map(lambda v: v.strip(" "))


@given(st.integers(200, 599), st.dictionaries(TOKEN.map(str.lower), VALUE, max_size=8), st.binary(max_size=64))
def test_a_sound_answer_is_read_as_the_standard_library_reads_it(
    status: int, fields: dict[str, str], body: bytes
) -> None:
    for name in ("content-length", "transfer-encoding", "connection", "keep-alive", "proxy-connection"):
        fields.pop(name, None)
    fields["content-length"] = str(len(body))
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    data = "\r\n".join(lines).encode("latin-1") + body
    reader, ours = read(data)
    with Sent(data) as sock, HTTPResponse(sock) as theirs:
        theirs.begin()
        assert (reader.status, ours) == (theirs.status, theirs.read())
        assert {name: value.strip(" \t") for name, value in theirs.headers.items()} == reader.fields
        assert reader.will_close == theirs.will_close


PIECES = [b"HTTP/1.1 ", b"200 OK", b"\r\n", b"\n", b"\r", b"A", b": ", b"Content-Length: ", b"2", b"-1", b" ",
          b"\0", b"Transfer-Encoding: chunked", b"hi", b"100", b";"]  # fmt: skip


@given(st.binary(max_size=64) | st.lists(st.sampled_from(PIECES), max_size=16).map(b"".join))
def test_whatever_comes_is_an_answer_or_an_http_error(data: bytes) -> None:
    try:
        reader, _ = read(data)
    except HTTPException:
        return
    assert 200 <= reader.status <= 999 or reader.status == 101


def drip(data: bytes) -> list[bytes | float]:
    return [piece for byte in data for piece in (bytes([byte]), 0.1)]


@pytest.mark.parametrize(
    "pieces",
    [
        drip(b"HTTP/1.1 200 OK, but slowly, and so on, and so on"),
        [b"HTTP/1.1 200 OK\r\n", *drip(b"A: b\r\n" * 20)],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *drip(b"1\r\nx\r\n" * 20)],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", *drip(b"A: b\r\n" * 20)],
        drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 5),
    ],
    ids=["status line", "fields", "chunks", "trailer", "interim answers"],
)
def test_an_answer_that_drips_ends_with_the_time(pieces: list[bytes | float]) -> None:
    with Peer(lambda _number: pieces) as peer:
        host, port = peer.url.removeprefix("http://").split(":")
        started = time.monotonic()
        with socket.create_connection((host, int(port))) as sock:
            sock.sendall(request_bytes("GET", "/", host, {}, None))
            with pytest.raises(TimeoutError):
                whole_answer(sock, seconds=0.4)
        assert time.monotonic() - started < 1.5
