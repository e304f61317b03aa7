"""HTTP answers that are malformed, doubtful or longer than they may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mintcore.outbound.http1 import BadAnswer
from tests.unit.outbound.http1_answers import CHUNKED, EMPTY, read

if TYPE_CHECKING:
    from collections.abc import Callable


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
