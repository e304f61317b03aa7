"""The connections of the action: proxies, authorities, the total deadline."""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from fullsend.net.origin import Origin
from fullsend.net.retry import is_retryable
from fullsend.net.route import proxy_for
from tests.connect_proxy import connect_proxy
from tests.integration.action.action_job import ACTION, GOOD, NODE, Job
from tests.throwaway_ca import ThrowawayCa, https_front
from tests.unit.outbound.loopback_peer import Peer

if TYPE_CHECKING:
    from pathlib import Path

    from fullsend_sandbox.loopback import LoopbackService

pytestmark = pytest.mark.skipif(NODE is None, reason="the action needs node on PATH")


def test_a_certificate_that_is_not_accepted_is_said_to_be_at_once(job: Job, tmp_path: Path) -> None:
    with https_front(ThrowawayCa(tmp_path, "127.0.0.1"), b"") as port:
        done = job.main(mint_url=f"https://127.0.0.1:{port}")
    assert "title=Mint token%3A mint_certificate_refused::" in done.stdout
    assert "NODE_EXTRA_CA_CERTS" in done.stdout


@pytest.mark.parametrize("what", ["missing", "folder", "empty"])
@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_authorities_that_cannot_be_read_are_named_with_what_helps(
    job: Job, tmp_path: Path, name: str, what: str
) -> None:
    path = tmp_path / "ca.pem"
    if what == "folder":
        path.mkdir()
    elif what == "empty":
        path.touch()
    job.environment[name] = str(path)
    done = job.main(mint_url="https://127.0.0.1:1")
    assert "::error title=Mint token%3A ca_bundle_unreadable::" in done.stdout
    assert f'{name} names "{path}", which cannot be read' in done.stdout
    assert "Fix: Set the variable in the message to an existing file" in done.stdout
    assert "inspects TLS" not in done.stdout


def test_a_call_to_loopback_never_goes_to_a_proxy(job: Job, unsteady: LoopbackService) -> None:
    job.environment |= dict.fromkeys(["HTTP_PROXY", "https_proxy", "ALL_PROXY"], unsteady.url)
    assert job.main().returncode == 0
    assert len(unsteady.traffic) == 0


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "script",
    [
        [HEAD + b"X-A: ", *([b"x", 0.05] * 1200)],
        [HEAD + b"Content-Length: 9000\r\n\r\n", *([b"x", 0.05] * 1200)],
        [60.0],
    ],
    ids=["header", "body", "silence"],
)
def test_a_dripping_answer_ends_with_the_total_deadline(script: list[bytes | float | None]) -> None:
    code = (
        "const { exchange } = require(process.argv[1]);"
        "exchange('GET', process.argv[2], { bearer: 'x', seconds: 1 }).catch((error) => console.log(error.message))"
    )
    with Peer(lambda _: script) as peer:
        began = time.monotonic()
        done = subprocess.run(
            [str(NODE), "-e", code, str(ACTION / "lib" / "http.js"), peer.url],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert "failed (no answer in time)" in done.stdout, done.stderr
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("url", "environ", "proxied"),
    [
        ("https://mint.example", {"HTTPS_PROXY": "http://p:1"}, True),
        ("https://mint.example", {"ALL_PROXY": "p:1"}, True),
        ("https://mint.example", {"HTTPS_PROXY": "http://p:1", "https_proxy": ""}, False),
        ("https://mint.example", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a, .example"}, False),
        ("https://mint.example", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "mint.example:8443"}, True),
        ("https://mint.example", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "int.example"}, True),
        ("https://10.1.2.3", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, False),
        ("https://10.1.2.3", {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "192.168.0.0/16"}, True),
        ("https://[::1]:1", {"HTTPS_PROXY": "http://p:1"}, False),
        ("http://runner.example", {"HTTPS_PROXY": "http://p:1"}, False),
    ],
)
def test_the_proxy_of_a_url_is_the_commands(url: str, environ: dict[str, str], proxied: bool) -> None:
    code = (
        "const { proxyFor } = require(process.argv[1]);"
        "console.log(Boolean(proxyFor(new URL(process.argv[2]), JSON.parse(process.argv[3]))))"
    )
    words = [str(ACTION / "lib" / "route.js"), url, json.dumps(environ)]
    done = subprocess.run([str(NODE), "-e", code, *words], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == f"{str(proxied).lower()}\n"
    assert (proxy_for(Origin.of(url), environ) is not None) is proxied


def test_a_mint_behind_a_proxy_and_its_authority_is_reached(job: Job, tmp_path: Path) -> None:
    ca = ThrowawayCa(tmp_path, "mint.example")
    with https_front(ca, json.dumps(GOOD).encode()) as port, connect_proxy(port) as (proxy, heads):
        job.environment |= {"HTTPS_PROXY": proxy, "REQUESTS_CA_BUNDLE": str(ca.bundle)}
        done = job.main(mint_url="https://mint.example")
    assert (done.returncode, job.outputs.get("token")) == (0, GOOD["token"]), done.stdout
    assert heads[0].startswith(b"CONNECT mint.example:443 HTTP/1.1\r\n")


def test_a_proxy_that_refuses_is_named_without_its_password(job: Job) -> None:
    with connect_proxy(1, b"407 Proxy Authentication Required") as (proxy, _):
        job.environment |= {"HTTPS_PROXY": proxy}
        job.environment["ACTIONS_ID_TOKEN_REQUEST_URL"] = "https://token.example/"
        done = job.main()
    assert "did not connect (it answers 407)" in done.stdout
    assert "title=Mint token%3A proxy_unusable::" in done.stdout
    assert "p@ss" not in done.stdout


def test_the_action_repeats_the_statuses_that_the_command_repeats() -> None:
    script = (
        "const { isRetryable } = require('./lib/http');"
        "console.log(JSON.stringify([...Array(500).keys()].map((n) => n + 100).filter(isRetryable)))"
    )
    done = subprocess.run([str(NODE), "-e", script], cwd=ACTION, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [status for status in range(100, 600) if is_retryable(status)]


@pytest.mark.parametrize(("reply", "asked"), [(b"403 Forbidden", 1), (b"503 Unavailable", 2)])
def test_only_a_proxys_refusal_that_may_pass_is_asked_for_again(reply: bytes, asked: int) -> None:
    script = (
        "const { send } = require('./lib/http');"
        "send('GET', 'https://mint.example/', { bearer: 'x', totalSeconds: 2, env: process.env })"
        ".catch((error) => console.log(error.mintCode))"
    )
    with connect_proxy(1, reply) as (proxy, heads):
        subprocess.run(
            [str(NODE), "-e", script], cwd=ACTION, env={"HTTPS_PROXY": proxy}, capture_output=True, check=True
        )
    assert min(len(heads), 2) == asked
