"""Two mint processes, one as the other's fallback: forwarded and local requests, TLS, and no loops."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
from time import monotonic, time
from typing import TYPE_CHECKING

import pytest
from werkzeug import Request, Response

from fullsend_sandbox.faults import Slow
from fullsend_sandbox.loopback import LoopbackService
from fullsend_sandbox.process import free_port
from fullsend_sandbox.standalone_demo import environment
from tests.audited_mint import AuditedMint
from tests.contract.exchange import send
from tests.contract.table import Sent, as_job
from tests.standalone import ROOT, standalone
from tests.throwaway_ca import ThrowawayCa, https_front

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World


@pytest.fixture
def front(world: World, hosted_mint: MintProcess, tmp_path: Path) -> Iterator[MintProcess]:
    """The guide's example: triage and scanner here, everything else from the hosted mint."""
    given = environment(world, tmp_path, fallback_url=hosted_mint.url)
    with AuditedMint(given, source=ROOT, command=("fullsend-mint",)) as running:
        yield running


def test_each_role_is_minted_where_it_is_held(front: MintProcess, world: World) -> None:
    for role, permissions in (
        ("scanner", {"contents": "read", "security_events": "write", "metadata": "read"}),
        ("triage", {"contents": "read", "issues": "write", "metadata": "read"}),
        ("review", {**dict.fromkeys(("contents", "checks", "metadata"), "read"), "issues": "write"}),
    ):
        got = send(front.url, as_job({"role": role, "repos": ["app"]})(world))
        assert got.status == 200
        assert permissions.items() <= got.json["granted_permissions"].items()
    front.wait_for_log(lambda line: '"fallback: status 200"' in line)
    front.stop()
    assert sum('"fallback: status 200"' in line for line in front.logs()) == 1


def test_the_upstream_mints_refusal_comes_back_word_for_word(
    front: MintProcess, hosted_mint: MintProcess, world: World
) -> None:
    """All fields except the request id, which differs for each request."""
    asked = Sent(world.issuer.forged_token(world.job()), {"role": "coder"})
    direct, through = (send(url, asked) for url in (hosted_mint.url, front.url))
    assert (through.status, through.json["error"]) == (direct.status, direct.json["error"])
    assert through.headers["WWW-Authenticate"] == direct.headers["WWW-Authenticate"]
    assert through.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("path", "status"), [("/health", 200), ("/v1/status", 200), ("/v1/other", 404)])
def test_everything_but_the_token_path_is_answered_here(
    path: str, status: int, world: World, tmp_path: Path
) -> None:
    asked: list[Request] = []
    upstream = LoopbackService("upstream", _noting(asked))
    with upstream, standalone(world, tmp_path, FALLBACK_MINT_URL=upstream.url) as mint:
        got = send(mint.url, Sent(world.issuer.token(world.job()), b"", "GET", path))
    assert (got.status, asked) == (status, [])


MALFORMED = ((None, {"role": "nobody"}), ("t", {"role": "../x"}), ("t", b"["), ("t", b"x" * 70_000))


def test_what_is_malformed_is_refused_here(world: World, tmp_path: Path) -> None:
    asked: list[Request] = []
    upstream = LoopbackService("upstream", _noting(asked))
    with upstream, standalone(world, tmp_path, FALLBACK_MINT_URL=upstream.url) as mint:
        codes = [send(mint.url, Sent(token, body)).json["code"] for token, body in MALFORMED]
    assert codes == ["missing_bearer", "invalid_role", "invalid_json", "body_too_large"]
    assert asked == []


def _noting(asked: list[Request]) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        asked.append(request)
        return Response(b"{}", 200)

    return answer


def test_two_mints_that_name_each_other_end_in_a_refusal(world: World, tmp_path: Path) -> None:
    held = {"ROLE_APP_IDS": json.dumps({"triage": str(world.apps["triage"].id)})}
    ports = [free_port() for _ in range(2)]
    mints = [
        AuditedMint(
            world.standalone_environment(tmp_path, FALLBACK_MINT_URL=f"http://127.0.0.1:{other}", **held),
            source=ROOT,
            command=("fullsend-mint",),
            port=own,
        )
        for own, other in (ports, reversed(ports))
    ]
    with mints[0], mints[1]:
        got = send(mints[0].url, as_job()(world))
        times = [sum('"POST /v1/token 502"' in line for line in mint.logs()) for mint in mints]
    assert (got.status, got.json["code"]) == (502, "fallback_unavailable")
    assert "FALLBACK_MINT_URL" in got.json["error"]
    assert sum(times) <= 2


@pytest.mark.parametrize(
    ("trusted", "host", "status"),
    [(True, "127.0.0.1", 200), (False, "127.0.0.1", 502), (True, "localhost", 502)],
    ids=["trusted", "unknown authority", "another name"],
)
def test_the_upstream_mints_certificate_is_verified(
    trusted: bool, host: str, status: int, world: World, tmp_path: Path
) -> None:
    """SSL_CERT_FILE is how an operator adds an authority of their own (OpenSSL)."""
    ca = ThrowawayCa(tmp_path, "127.0.0.1")
    given = {"SSL_CERT_FILE": str(ca.bundle)} if trusted else {}
    pems = tmp_path / "pems"
    pems.mkdir()
    with (
        https_front(ca, b'{"token": "t"}') as port,
        standalone(
            world,
            pems,
            ROLE_APP_IDS='{"triage": "1"}',
            FALLBACK_MINT_URL=f"https://{host}:{port}",
            **given,
        ) as mint,
    ):
        got = send(mint.url, as_job()(world))
    assert got.status == status
    assert got.json.get("code") == (None if status == 200 else "fallback_unavailable")


def test_a_fallback_that_hangs_leaves_threads_for_the_local_roles(world: World, tmp_path: Path) -> None:
    held = {"ROLE_APP_IDS": json.dumps({"triage": str(world.apps["triage"].id)}), "THREADS": "8"}
    upstream = LoopbackService("upstream", lambda _request: Response(b"{}", 200))
    upstream.faults.add(Slow(20))
    elsewhere, here = (as_job({"role": role, "repos": ["app"]})(world) for role in ("coder", "triage"))
    with (
        upstream,
        standalone(world, tmp_path, FALLBACK_MINT_URL=upstream.url, **held) as mint,
        ThreadPoolExecutor(20) as pool,
    ):
        assert send(mint.url, here).status == 200
        forwarded = [pool.submit(send, mint.url, elsewhere) for _ in range(20)]
        refused = [one.result().json["code"] for one in islice(as_completed(forwarded, timeout=10), 18)]
        started = monotonic()
        assert send(mint.url, here).status == 200
        assert monotonic() - started < 1
        upstream.stop()
    assert refused == ["fallback_unavailable"] * 18


@pytest.mark.parametrize("token", ["forged", "other audience", "expired"])
def test_a_token_that_is_not_for_this_mint_is_not_forwarded(token: str, world: World, tmp_path: Path) -> None:
    asked: list[Request] = []
    upstream = LoopbackService("upstream", _noting(asked))
    job = world.job()
    claims = world.issuer.claims(job)
    given = {
        "forged": world.issuer.forged_token(job),
        "other audience": world.issuer.sign({**claims, "aud": "another-mint"}),
        "expired": world.issuer.sign({**claims, "exp": int(time()) - 3600}),
    }[token]
    with upstream, standalone(world, tmp_path, FALLBACK_MINT_URL=upstream.url) as mint:
        got = send(mint.url, Sent(given, {"role": "unheld"}))
    assert (got.status, got.json["code"], asked) == (401, "invalid_token", [])


@pytest.mark.parametrize("denied", [{"ALLOWED_ORGS": "third-org"}, {"ALLOWED_WORKFLOW_FILES": "other.yml"}])
def test_the_other_mint_decides_about_a_genuine_token_that_this_one_would_deny(
    denied: dict[str, str], world: World, tmp_path: Path
) -> None:
    asked: list[Request] = []
    upstream = LoopbackService("upstream", _noting(asked))
    with upstream, standalone(world, tmp_path, FALLBACK_MINT_URL=upstream.url, **denied) as mint:
        here, there = (send(mint.url, as_job({"role": role})(world)) for role in ("coder", "unheld"))
    assert here.status == 403
    assert (there.status, len(asked)) == (200, 1)
