"""Unusual HTTP against both real processes: requests in pieces, pipelines, false lengths."""

from __future__ import annotations

import contextlib
import json
import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from bench.measure import cpu, pss_mib
from tests.contract.exchange import send
from tests.contract.modes import MODES
from tests.contract.table import as_job
from tests.slow_clients import slowest_but_one

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World

GET = b"GET /health HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /v1/token HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n"
BODY = b'{"role": "coder"}'
SIZED = POST + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
HEALTH = (200, "")
NOT_GENUINE = (401, "invalid_token")
BAD = (400, "bad_request")
ANSWER = re.compile(rb"HTTP/1\.[01] (\d{3}) [^\r\n]*\r\n(.*?)\r\n\r\n", re.DOTALL)


@pytest.fixture(params=MODES)
def mint(request: pytest.FixtureRequest, shared_mints: dict[str, MintProcess]) -> MintProcess:
    return shared_mints[request.param]


def connect(mint: MintProcess) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(mint.url.rpartition(":")[2])), timeout=10)


def answers(data: bytes) -> list[tuple[int, str]]:
    """Each answer's status and code, in order; a provisional one has no code."""
    found = []
    while match := ANSWER.match(data):
        status, head = int(match[1]), match[2]
        length = re.search(rb"^content-length: (\d+)\r?$", head, re.IGNORECASE | re.MULTILINE)
        end = match.end() + (int(length[1]) if length else 0)
        body = data[match.end() : end]
        found.append((status, json.loads(body).get("code", "") if body else ""))
        data = data[end:]
    assert data == b""
    return found


def exchange(mint: MintProcess, pieces: Iterable[bytes]) -> list[tuple[int, str]]:
    """Send the pieces, one packet each, end the sending side, and return all answers."""
    with connect(mint) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
        return answers(received(connection))


def received(connection: socket.socket) -> bytes:
    data = b""
    with contextlib.suppress(ConnectionError):
        while chunk := connection.recv(65536):
            data += chunk
    return data


@dataclass(frozen=True)
class Row:
    id: str
    pieces: tuple[bytes, ...]
    wanted: tuple[tuple[int, str], ...]


def bytewise(data: bytes) -> tuple[bytes, ...]:
    return tuple(data[at : at + 1] for at in range(len(data)))


FIELDS = b"".join(b"X-%d: %s\r\n" % (number, b"a" * 7000) for number in range(12))
ROWS = [
    Row("head byte by byte", bytewise(GET + b"\r\n"), (HEALTH,)),
    Row("body byte by byte", bytewise(SIZED), (NOT_GENUINE,)),
    Row("chunks byte by byte", bytewise(CHUNKED + b"11\r\n" + BODY + b"\r\n0\r\n\r\n"), (NOT_GENUINE,)),
    Row("two requests in one packet", (GET + b"\r\n" + GET + b"\r\n",), (HEALTH, HEALTH)),
    Row("a request behind a body", (SIZED + GET + b"\r\n",), (NOT_GENUINE, HEALTH)),
    Row(
        "a request behind chunks",
        (CHUNKED + b"11\r\n" + BODY + b"\r\n0\r\n\r\n" + GET, b"\r\n"),
        (NOT_GENUINE, HEALTH),
    ),
    Row("half of a request behind a whole one", (GET + b"\r\n" + GET,), (HEALTH,)),
    Row(
        "chunks with an extension and a trailer",
        (CHUNKED + b"11;a=b\r\n" + BODY + b"\r\n0\r\nX: y\r\n\r\n",),
        (NOT_GENUINE,),
    ),
    Row("a chunk of no size", (CHUNKED + b"zz\r\n",), ((400, "invalid_json"),)),
    Row(
        "a chunk that is longer than its size",
        (CHUNKED + b"1\r\n" + BODY + b"\r\n0\r\n\r\n",),
        ((400, "invalid_json"),),
    ),
    Row(
        "chunks beyond the limit",
        (CHUNKED + (b"4000\r\n" + b"a" * 0x4000 + b"\r\n") * 6,),
        ((413, "body_too_large"),),
    ),
    Row(
        "more chunks than a body needs",
        (CHUNKED + b"1\r\n \r\n" * 300 + b"11\r\n" + BODY + b"\r\n0\r\n\r\n" + GET + b"\r\n",),
        ((400, "invalid_json"),),
    ),
    Row("a long field", (GET + b"X: " + b"a" * 9000 + b"\r\n\r\n",), ((431, "bad_request"),)),
    Row("many fields", (GET + b"X: y\r\n" * 101 + b"\r\n",), ((431, "bad_request"),)),
    Row("many long fields without an end", (GET + FIELDS,), ((431, "bad_request"),)),
    Row("a long path", (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n",), ((414, "bad_request"),)),
    Row("a path of 8 MB", (b"GET /" + b"a" * 8_000_000 + b" HTTP/1.1\r\n\r\n",), ((414, "bad_request"),)),
    Row("no HTTP", (b"nonsense\r\n\r\n",), (BAD,)),
    Row("TLS", (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\n" * 9,), (BAD,)),
    Row("lines that end in LF", (GET.replace(b"\r\n", b"\n") + b"\n",), (BAD,)),
    Row("two lengths", (POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na" + GET + b"\r\n",), (BAD,)),
    Row("a list of lengths", (POST + b"Content-Length: 1, 2\r\n\r\na",), (BAD,)),
    Row("a signed length", (POST + b"Content-Length: +1\r\n\r\na",), (BAD,)),
    Row(
        "a length and chunks",
        (POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GET + b"\r\n",),
        (BAD,),
    ),
    Row("chunks in HTTP/1.0", (CHUNKED.replace(b"1.1", b"1.0") + b"0\r\n\r\n" + GET + b"\r\n",), (BAD,)),
    Row("an unknown coding", (POST + b"Transfer-Encoding: brotli\r\n\r\n",), ((501, "bad_request"),)),
    Row(
        "a body beyond the limit that holds a request",
        (POST + b"Content-Length: 70000\r\n\r\n" + (GET + b"\r\n") * 2,),
        ((413, "body_too_large"),),
    ),
    Row("a sender that ends in the head", (GET,), ()),
    Row("a sender that ends in the body", (SIZED[:-1],), ()),
    Row("HTTP/1.0 closes", (GET.replace(b"1.1", b"1.0") + b"\r\n" + GET + b"\r\n",), (HEALTH,)),
    Row("a client that closes", (GET + b"Connection: close\r\n\r\n" + GET + b"\r\n",), (HEALTH,)),
    Row(
        "continue with a body at once",
        (SIZED.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"),),
        (NOT_GENUINE,),
    ),
    Row(
        "continue with too much",
        (POST + b"Expect: 100-continue\r\nContent-Length: 70000\r\n\r\n",),
        ((413, "body_too_large"),),
    ),
    Row("an unknown expectation", (POST + b"Expect: tea\r\nContent-Length: 17\r\n\r\n",), ((417, "bad_request"),)),
    Row(
        "an upgrade to h2c",
        (GET + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",),
        (HEALTH,),
    ),
    Row("an upgrade to a web socket", (GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",), (HEALTH,)),
    Row("HTTP/2 by prior knowledge", (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",), (BAD,)),
    Row("a proxy's preface", (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + GET + b"\r\n",), (BAD,)),
    Row("SCRIPT_NAME", (GET + b"SCRIPT_NAME: /v1\r\n\r\n",), (HEALTH,)),
    Row("PATH_INFO", (GET.replace(b"/health", b"/x") + b"PATH_INFO: /health\r\n\r\n",), ((404, "not_found"),)),
    Row(
        "two schemes",
        (GET + b"X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: off\r\nX-Forwarded-Protocol: ssl\r\n\r\n",),
        (HEALTH,),
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.id for row in ROWS])
def test_each_request_gets_its_own_answer_and_no_more(row: Row, mint: MintProcess) -> None:
    assert exchange(mint, row.pieces) == list(row.wanted)


def test_a_client_that_waits_for_continue_is_told_once(mint: MintProcess) -> None:
    with connect(mint) as connection:
        connection.sendall(POST + b"Expect: 100-continue\r\nContent-Length: 17\r\n\r\n")
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(BODY)
        connection.shutdown(socket.SHUT_WR)
        assert answers(received(connection)) == [NOT_GENUINE]


def test_a_request_line_of_8_megabytes_costs_no_time(mint: MintProcess) -> None:
    before = cpu(mint.pid)
    assert exchange(mint, [b"GET /" + b"a" * 8_000_000 + b" HTTP/1.1\r\n\r\n"]) == [(414, "bad_request")]
    assert (cpu(mint.pid) - before).total < 0.5


COSTLY = {
    "chunks of a byte": CHUNKED + b"1\r\na\r\n" * 40_000 + b"0\r\n\r\n",
    "unknown fields": b'{"role": "coder", %s}' % b",".join(b'"ro%x": 0' % number for number in range(5000)),
    "one repository again and again": b'{"role": "coder", "repos": [%s]}' % b",".join([b'"a"'] * 15_000),
}


@pytest.mark.parametrize("sent", COSTLY.values(), ids=COSTLY)
def test_no_request_without_a_proof_costs_much_more_than_another(sent: bytes, mint: MintProcess) -> None:
    whole = sent if sent.startswith(b"POST") else POST + b"Content-Length: %d\r\n\r\n%s" % (len(sent), sent)
    before = cpu(mint.pid)
    for _ in range(20):
        assert exchange(mint, [whole])[0][0] in {400, 401}
    assert (cpu(mint.pid) - before).total < 20 * 0.01


@pytest.mark.parametrize("framing", [b"Content-Length: 31457280\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"])
def test_large_bodies_without_any_proof_take_no_memory(framing: bytes, mint: MintProcess) -> None:
    """Sixteen callers with 30 MiB each; the connections stay open until the memory was read."""
    chunk = b"10000\r\n" + b"a" * 0x10000 + b"\r\n" if b"chunked" in framing else b"a" * 0x10000
    connections = [connect(mint) for _ in range(16)]
    peak = 0.0
    try:
        for connection in connections:
            connection.sendall(POST + framing)
        for _ in range(30 * 16):
            for connection in connections:
                with contextlib.suppress(OSError):
                    connection.sendall(chunk)
        peak = pss_mib(mint.pid)
        got = [answers(received(connection)) for connection in connections]
    finally:
        for connection in connections:
            connection.close()
    assert got == [[(413, "body_too_large")]] * 16
    assert peak <= 110


def test_clients_that_send_and_never_read_are_closed_and_delay_no_other_client(
    mint: MintProcess, world: World
) -> None:
    job = as_job({"role": "coder", "repos": ["app"]})(world)
    with contextlib.ExitStack() as opened:
        clients = [opened.enter_context(connect(mint)) for _ in range(40)]  # more than the number of threads
        for client in clients:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(0)
        for _ in range(4):
            for client in clients:
                with contextlib.suppress(OSError):
                    client.send((GET + b"\r\n") * 400)
            assert send(mint.url, job).status == 200
        assert slowest_but_one([lambda: send(mint.url, job).status] * 10) < 1
        mint.wait_for_log(lambda line: " with unread answers" in line, within=20)


@pytest.fixture
def closing(mint: MintProcess) -> Iterator[list[socket.socket]]:
    """Clients that do not close their side of an ended connection."""
    opened = [connect(mint) for _ in range(20)]
    for connection in opened:
        connection.sendall(GET + b"Connection: close\r\n\r\n")
    yield opened
    for connection in opened:
        connection.close()


def test_clients_that_do_not_close_their_side_delay_no_other_client(closing: list[Any], mint: MintProcess) -> None:
    with connect(mint) as connection:
        connection.settimeout(1)
        connection.sendall(GET + b"\r\n")
        connection.shutdown(socket.SHUT_WR)
        assert answers(received(connection)) == [HEALTH]
    assert [answers(received(one)) for one in closing] == [[HEALTH]] * 20
