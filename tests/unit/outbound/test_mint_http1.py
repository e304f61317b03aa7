"""Requests and heads of answers as bytes; whole exchanges are in test_outbound_answers.py and beside it."""

from __future__ import annotations

import contextlib
import socket
import time
from http.client import HTTPResponse
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintcore.clock import CorrectedClock
from mintcore.outbound.http1 import BadAnswer, RawAnswer, TooLarge, exchange, open_tunnel, request_bytes
from mintcore.request import Deadline
from tests.unit.outbound.loopback_peer import Peer

if TYPE_CHECKING:
    from collections.abc import Callable

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
    answer = read(b"HTTP/1.1 200 OK\r\nX-One:  1 \t\r\nx-ONE:2\r\nEmpty:\r\nContent-Length: 2\r\n\r\nhi")
    assert answer.fields == {"x-one": "1, 2", "empty": "", "content-length": "2"}
    assert (answer.status, answer.body, answer.reusable) == (200, b"hi", True)


def test_an_answer_shows_nothing_of_its_body() -> None:
    assert "secret" not in repr(read(b"HTTP/1.1 200 OK\r\nX: secret\r\nContent-Length: 6\r\n\r\nsecret"))


def test_interim_answers_are_passed_over() -> None:
    head = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    answer = read(head + b"HTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nx")
    assert (answer.status, answer.body, "link" in answer.fields) == (201, b"x", False)


@pytest.mark.parametrize(
    ("head", "again"),
    [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2", True),
        ("HTTP/1.1 200\r\nContent-Length: 2", True),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close", False),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: x, Close", False),
        ("HTTP/1.1 200 OK", False),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2", False),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive", True),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive", False),
    ],
)
def test_a_connection_is_used_again_where_the_body_has_an_end(head: str, again: bool) -> None:
    answer = read(f"{head}\r\n\r\nhi".encode())
    assert (answer.body, answer.reusable) == (b"hi", again)


def test_a_connection_on_which_more_came_than_was_asked_for_is_not_used_again() -> None:
    answer = read(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\n")
    assert (answer.body, answer.reusable) == (b"hi", False)


@pytest.mark.parametrize(
    ("head", "again"),
    [
        ("304 X\r\nContent-Length: 5", True),
        ("204 X", True),
        ("204 X\r\nContent-Length: 0", True),
        ("204 X\r\nContent-Length: 5", False),
        ("204 X\r\nTransfer-Encoding: chunked", False),
    ],
)
def test_some_answers_have_no_body_whatever_they_say(head: str, again: bool) -> None:
    answer = read(f"HTTP/1.1 {head}\r\n\r\n".encode())
    assert (answer.body, answer.reusable) == (b"", again)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"


def test_a_body_in_chunks_is_put_together() -> None:
    answer = read(CHUNKED + b"1\r\na\r\n2;x=y\r\nbc\r\n00A \r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n")
    assert (answer.body, answer.reusable) == (b"abc0123456789", True)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001,
        CHUNKED + b"3e9\r\n",
        CHUNKED + b"ffffffff\r\n",
        CHUNKED + (b"1f4\r\n" + b"x" * 500 + b"\r\n") * 2 + b"1\r\nx\r\n0\r\n\r\n",
    ],
    ids=["length", "huge length", "until the end", "chunk", "huge chunk", "chunks"],
)
def test_a_body_larger_than_wanted_is_not_read(data: bytes) -> None:
    with pytest.raises(TooLarge):
        read(data, max_bytes=1000)


@pytest.mark.parametrize("size", [1000, 200_000])
def test_a_body_as_large_as_wanted_is_read(size: int) -> None:
    for data in (
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * size,
        CHUNKED + (b"%x\r\n" % (size // 2) + b"x" * (size // 2) + b"\r\n") * 2 + b"0\r\n\r\n",
    ):
        assert read(data, max_bytes=size).body == b"x" * size


BAD_ANSWERS = {
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
    "a name of Latin-1": b"HTTP/1.1 200 OK\r\nContent-L\xe4nge: 2\r\n\r\nhi",
    "CR CR LF": b"HTTP/1.1 200 OK\r\nA: b\r\r\n\r\n", "a NUL in a name": b"HTTP/1.1 200 OK\r\nA\0: b\r\n\r\n",
    "no name": b"HTTP/1.1 200 OK\r\n: b\r\n\r\n", "fields cut off": b"HTTP/1.1 200 OK\r\nA: b\r\n",
    "a line cut off": b"HTTP/1.1 200 OK\r\nA: b",
    "a line that ends in LF": b"HTTP/1.1 200 OK\r\nA: b\nContent-Length: 2\r\n\r\nhi",
    "lines that end in LF": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", "nothing": b"",
    "a body cut off": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi",
    "a chunk cut off": CHUNKED + b"3\r\nhi", "a chunk without its end": CHUNKED + b"2\r\nhi!!0\r\n\r\n",
    "no last chunk": CHUNKED + b"2\r\nhi\r\n", "a trailer cut off": CHUNKED + b"0\r\nA: b\r\n",
    "a negative chunk": CHUNKED + b"-1\r\n",
    "a signed chunk": CHUNKED + b"+1\r\nx\r\n0\r\n\r\n", "an empty chunk line": CHUNKED + b"\r\n",
    "a chunk line with a prefix": CHUNKED + b"0x1\r\nx\r\n0\r\n\r\n", "no length at all": CHUNKED + b"zz\r\n",
    "a chunk line of nine digits": CHUNKED + b"000000001\r\nx\r\n0\r\n\r\n",
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
}  # fmt: skip


@pytest.mark.parametrize("data", BAD_ANSWERS.values(), ids=BAD_ANSWERS.keys())
def test_an_answer_that_is_doubtful_is_refused(data: bytes) -> None:
    with pytest.raises(BadAnswer) as refused:
        read(data)
    assert 0 < len(str(refused.value)) < 100


EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0"
AS_LONG_AS: dict[str, tuple[int, Callable[[int], bytes]]] = {
    "a head": (65_536, lambda most: (EMPTY + b"\r\nA: ").ljust(most, b"x") + b"\r\n\r\n"),
    "interim answers": (9, lambda most: b"HTTP/1.1 100 Continue\r\n\r\n" * most + EMPTY + b"\r\n\r\n"),
    "a chunk line": (1024, lambda most: CHUNKED + b"1;".ljust(most, b"x") + b"\r\nx\r\n0\r\n\r\n"),
    "a trailer": (100, lambda most: CHUNKED + b"0\r\n" + b"A: b\r\n" * most + b"\r\n"),
    "a trailer field": (65_536, lambda most: CHUNKED + b"0\r\n" + b"A: ".ljust(most, b"x") + b"\r\n\r\n"),
}


@pytest.mark.parametrize(("most", "of"), AS_LONG_AS.values(), ids=AS_LONG_AS.keys())
def test_what_is_as_long_as_it_may_be_is_read_and_nothing_longer(most: int, of: Callable[[int], bytes]) -> None:
    assert read(of(most)).status == 200
    with pytest.raises(BadAnswer, match=r"too (long|many)"):
        read(of(most + 1))


WHOLE = [
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 4\r\n\r\nbody",
    CHUNKED + b"1;x=y\r\nb\r\n3\r\nody\r\n0\r\nTrailer: x\r\n\r\n",
]


@pytest.mark.parametrize("data", WHOLE, ids=["length", "chunks"])
def test_an_answer_is_the_same_wherever_the_network_cuts_it(data: bytes) -> None:
    for cut in range(1, len(data)):
        ours, theirs = socket.socketpair(type=socket.SOCK_DGRAM)  # what is sent as one piece is read as one
        with ours, theirs:
            theirs.send(data[:cut])
            theirs.send(data[cut:])
            answer = exchange(ours, REQUEST, Deadline(CorrectedClock(), 5), max_bytes=4)
        assert (answer.status, answer.body, answer.reusable) == (200, b"body", True)


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
    # A body where there can be none was not asked for.
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


SAY: dict[str, Callable[[socket.socket, Deadline], object]] = {
    "request": lambda sock, deadline: exchange(sock, b"x" * 4_000_000, deadline, max_bytes=0),
    "tunnel": lambda sock, deadline: open_tunnel(sock, "h:443", {"X": "x" * 4_000_000}, deadline),
}


@pytest.mark.parametrize("say", SAY.values(), ids=SAY.keys())
@pytest.mark.timeout(10)
def test_a_peer_that_does_not_read_holds_no_thread_longer_than_the_time(
    say: Callable[[socket.socket, Deadline], object],
) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(TimeoutError):
        say(ours, Deadline(CorrectedClock(), 0.1))


@pytest.mark.parametrize("say", SAY.values(), ids=SAY.keys())
def test_nothing_is_said_when_the_time_is_over(say: Callable[[socket.socket, Deadline], object]) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        with ours, pytest.raises(TimeoutError):
            say(ours, Deadline(CorrectedClock(), 0))
        assert theirs.recv(1) == b""


def drip(data: bytes) -> list[bytes | float]:
    return [piece for byte in data for piece in (bytes([byte]), 0.1)]


@pytest.mark.parametrize(
    "pieces",
    [
        drip(b"HTTP/1.1 200 OK, but slowly" + b", and so on" * 10),
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
        with socket.create_connection((host, int(port))) as sock, pytest.raises(TimeoutError):
            exchange(sock, REQUEST, Deadline(CorrectedClock(), 0.4), max_bytes=1000)
        assert time.monotonic() - started < 5  # the drip lasts for more than 10
