"""The standalone mint as a running process: its log at start, its keys, its issuer, its clients and its end."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from fullsend_sandbox.faults import Fail
from mintcore.http.limits import REQUEST_SECONDS
from tests.contract.exchange import Got, send
from tests.contract.table import Sent, as_job
from tests.standalone import standalone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from werkzeug import Response

    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World

HEALTH = Sent(None, b"", "GET", "/health")


@pytest.fixture
def mint(world: World, tmp_path: Path) -> Iterator[MintProcess]:
    with standalone(world, tmp_path) as running:
        yield running


def mint_one(mint: MintProcess, world: World, role: str = "coder") -> Got:
    return send(mint.url, as_job({"role": role, "repos": ["app"]})(world))


def port_of(mint: MintProcess) -> int:
    return int(mint.url.rpartition(":")[2])


def entries(mint: MintProcess) -> list[dict[str, Any]]:
    return [json.loads(line) for line in mint.logs()]


def test_the_lines_at_start_are_those_of_the_guide(world: World, tmp_path: Path) -> None:
    custom = '{"scanner": {"contents": "read"}, "deployer": {"deployments": "write"}}'
    changes = {"CUSTOM_ROLE_PERMISSIONS": custom, "FALLBACK_MINT_URL": "https://mint.example.com/"}
    apps = '{"triage": "4087047", "scanner": "5555555", "legacy/coder": "1"}'
    with standalone(world, tmp_path, ROLE_APP_IDS=apps, **changes) as mint:
        pass
    said = entries(mint)
    port = mint.url.rpartition(":")[2]
    assert [entry["message"] for entry in said if entry["severity"] == "INFO"][:3] == [
        "custom role permissions registered: [deployer scanner]",
        "fallback mint configured: https://mint.example.com (local roles: [scanner triage])",
        f"fullsend-mint starting on :{port} (standalone mode)",
    ]
    warnings = [entry["message"] for entry in said if entry["severity"] == "WARNING"]
    assert any("legacy/coder" in warning for warning in warnings)
    assert any("scanner.pem does not exist" in warning for warning in warnings)
    assert all(entry["time"].endswith("+00:00") for entry in said)


def test_a_replaced_key_is_used_from_the_next_mint_on(world: World, tmp_path: Path, mint: MintProcess) -> None:
    assert mint_one(mint, world).status == 200
    replaced = world.github.rotate_key(world.apps["coder"])
    (tmp_path / "new").write_bytes(replaced)
    (tmp_path / "new").replace(tmp_path / "coder.pem")
    world.github.traffic.clear()
    assert mint_one(mint, world).status == 200
    assert 401 not in [exchange.status for exchange in world.github.traffic]


def test_a_removed_key_is_missing_and_a_new_one_found(world: World, tmp_path: Path, mint: MintProcess) -> None:
    assert mint_one(mint, world).status == 200
    (tmp_path / "coder.pem").rename(tmp_path / "away")
    gone = mint_one(mint, world)
    assert (gone.status, gone.json["code"]) == (403, "role_key_missing")
    (tmp_path / "away").rename(tmp_path / "coder.pem")
    assert mint_one(mint, world).status == 200


def test_a_key_that_is_damaged_while_serving_is_the_operators_to_replace(
    world: World, tmp_path: Path, mint: MintProcess
) -> None:
    (tmp_path / "coder.pem").write_bytes(b"-----BEGIN RSA PRIVATE KEY-----\n")
    got = mint_one(mint, world)
    assert (got.status, got.json["code"]) == (500, "invalid_role_key")
    assert mint_one(mint, world, "triage").status == 200


ELSEWHERE = '{"issuer": "%s", "jwks_uri": "https://elsewhere.example.com/jwks"}'
WEAK = '{"keys": [{"kty": "RSA", "kid": "k", "n": "%s", "e": "AQAB"}]}' % ("x" * 170)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/.well-known/openid-configuration", '{"issuer": "https://evil.example.com", "jwks_uri": "x"}'),
        ("/.well-known/openid-configuration", ELSEWHERE),
        ("/.well-known/jwks", '{"keys": []}'),
        ("/.well-known/jwks", WEAK),
    ],
    ids=["another issuer", "keys elsewhere", "no keys", "weak keys"],
)
def test_an_issuer_that_cannot_be_believed_denies_every_caller(
    path: str, answer: str, world: World, tmp_path: Path
) -> None:
    given = answer % world.issuer.url if answer is ELSEWHERE else answer
    world.issuer.faults.add(Fail(200, given), path)
    with standalone(world, tmp_path) as mint:
        got = mint_one(mint, world)
    assert (got.status, got.json["code"]) == (502, "issuer_unavailable")
    assert world.github.traffic.count() == 0


def test_keys_that_were_fetched_serve_while_the_issuer_is_down(world: World, mint: MintProcess) -> None:
    assert mint_one(mint, world).status == 200
    world.issuer.faults.add(Fail(503))
    assert mint_one(mint, world).status == 200
    forged = send(mint.url, Sent(world.issuer.forged_token(world.job())))
    assert forged.status == 401


class Gate:
    """A fault that holds every request until it is opened, and counts the waiting ones."""

    def __init__(self) -> None:
        self.reached = threading.Semaphore(0)
        self.opened = threading.Event()

    def apply(self, answer: Callable[[], Response], _stopping: threading.Event) -> Response | None:
        self.reached.release()
        return answer() if self.opened.wait(30) else None


def test_sigterm_lets_requests_in_flight_end_and_takes_no_more(world: World, mint: MintProcess) -> None:
    assert mint_one(mint, world).status == 200
    gate = Gate()
    world.github.faults.add(gate, "/app/")
    with ThreadPoolExecutor(50) as pool:
        in_flight = [pool.submit(mint_one, mint, world) for _ in range(50)]
        assert all(gate.reached.acquire(timeout=20) for _ in in_flight)
        mint.send_signal(signal.SIGTERM)
        _wait_until_refused(mint)
        gate.opened.set()
        answers = [future.result() for future in in_flight]
    assert [answer.status for answer in answers] == [200] * 50
    assert mint.wait(20) == 0
    assert entries(mint)[-1]["message"] == "fullsend-mint stopped"


def _wait_until_refused(mint: MintProcess) -> None:
    """Try to connect until the port is closed; each try is answered or refused immediately."""
    for _ in range(1000):
        try:
            with socket.create_connection(("127.0.0.1", port_of(mint)), timeout=5) as connection:
                connection.settimeout(0.05)
                with contextlib.suppress(TimeoutError):
                    connection.recv(1)
        except ConnectionError:
            return
    raise AssertionError("the mint still takes connections")


def test_each_answer_has_an_access_line_with_its_request_id(world: World, mint: MintProcess) -> None:
    sent = as_job({"role": "coder", "repos": ["app"]})(world)
    got = send(
        mint.url,
        Sent(sent.token, sent.body, path="/v1/token?access_token=oops", headers={"X-Request-Id": "run-17"}),
    )
    line = mint.wait_for_log(lambda line: '"httpRequest"' in line and "run-17" in line)
    entry = json.loads(line)
    assert entry["message"] == "POST /v1/token 200"
    assert entry["httpRequest"]["requestUrl"] == "/v1/token"
    assert entry["httpRequest"]["remoteIp"] == "127.0.0.1"
    assert entry["httpRequest"]["responseSize"] == str(len(got.text))
    assert "oops" not in "".join(mint.logs())


def test_a_mint_that_is_stopped_while_it_starts_ends_cleanly(world: World, tmp_path: Path) -> None:
    mint = standalone(world, tmp_path)
    mint.launch()
    mint.wait_for_log(lambda line: "fullsend-mint starting" in line, within=30)
    mint.send_signal(signal.SIGTERM)
    assert mint.wait(30) == 0
    assert "Traceback" not in "\n".join(mint.logs())


def test_no_line_of_the_log_holds_a_token_or_a_key(world: World, tmp_path: Path, mint: MintProcess) -> None:
    sent = as_job({"role": "coder", "repos": ["app"]})(world)
    token = send(mint.url, sent).json["token"]
    send(mint.url, Sent(sent.token, {"role": "coder"}, path=f"/{sent.token}"))
    _raw(mint, b"GET /health HTTP/1.1\r\nHost: x\r\nAuthorization : Bearer " + token.encode() + b"\r\n\r\n")
    mint.stop()
    said = "\n".join(mint.logs())
    pem_lines = (tmp_path / "coder.pem").read_text().splitlines()[1:-1]
    assert sent.token is not None
    for secret in (sent.token, sent.token.split(".")[2], token, *pem_lines):
        assert secret not in said


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET /health HTTP/1.1\r\nHost: x\r\nX-Big: " + b"a" * 9000 + b"\r\n\r\n", 431),
        (b"POST /v1/token HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 2\r\n\r\n", 400),
    ],
    ids=["no HTTP", "long path", "long header", "two lengths"],
)
def test_even_malformed_http_is_answered_in_json(request_bytes: bytes, status: int, mint: MintProcess) -> None:
    head, _, body = _raw(mint, request_bytes).partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"Cache-Control: no-store" in head
    assert json.loads(body)["code"] == "bad_request"
    assert json.loads(body)["request_id"].encode() in head


def test_a_client_that_stalls_takes_no_thread(world: World, tmp_path: Path) -> None:
    with (
        standalone(world, tmp_path, THREADS="1") as mint,
        socket.create_connection(("127.0.0.1", port_of(mint))) as stalled,
    ):
        stalled.sendall(b"POST /v1/token HTTP/1.1\r\nHost: x\r\n")
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(send, mint.url, HEALTH).result(REQUEST_SECONDS / 2).status == 200


def _raw(mint: MintProcess, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port_of(mint)), timeout=10) as connection:
        connection.sendall(request)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
            if b"}" in chunk:
                break
    return received
