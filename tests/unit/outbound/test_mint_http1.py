"""Requests and heads of answers as bytes; whole exchanges are in test_outbound_answers.py and beside it."""

from __future__ import annotations

import socket

import pytest

from mintcore.clock import CorrectedClock
from mintcore.outbound.http1 import TooLarge, exchange, request_bytes
from mintcore.request import Deadline
from tests.unit.outbound.http1_answers import CHUNKED, REQUEST, read


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
