"""The reverse proxies' example files, run in front of a real mint with TLS from a throw-away authority.

What is changed in an example is its addresses, names and certificate files; everything else runs as it is
shipped. Without the proxy on the machine its tests are skipped: apt-get install nginx-light caddy.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import ssl
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from tests.contract.table import as_job
from tests.slow_clients import MANY_SILENT, SLOW, SlowClients, slowest_but_one
from tests.standalone import ROOT, standalone
from tests.throwaway_ca import ThrowawayCa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World

    Proxy = Callable[[Path, ThrowawayCa, int, int], list[str]]

EXAMPLES = ROOT / "deploy" / "standalone"
NAME = "mint.example.com"
NGINX, CADDY = shutil.which("nginx"), shutil.which("caddy")
NGINX_AROUND = """
daemon off;
worker_rlimit_nofile {files};
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections {connections}; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""
CADDY_OPTIONS = "{\n\tadmin off\n\tauto_https off\n\tstorage file_system %s\n\tservers {\n"

needs = {
    "nginx": pytest.mark.skipif(NGINX is None, reason="nginx is not installed (apt-get install nginx-light)"),
    "caddy": pytest.mark.skipif(CADDY is None, reason="caddy is not installed (apt-get install caddy)"),
}


def changed(example: str, changes: dict[str, str]) -> str:
    """Return the example with each of ``changes``; a change that does not match fails."""
    text = (EXAMPLES / example).read_text()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


def nginx(folder: Path, ca: ThrowawayCa, port: int, mint_port: int) -> list[str]:
    site = changed(
        "nginx.conf",
        {
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            "    listen [::]:443 ssl http2;\n": "",
            "127.0.0.1:8080": f"127.0.0.1:{mint_port}",
            f"/etc/letsencrypt/live/{NAME}/fullchain.pem": str(ca.certificate),
            f"/etc/letsencrypt/live/{NAME}/privkey.pem": str(ca.key),
        },
    )
    (folder / "site.conf").write_text(site)
    advised = dict(re.findall(r"^#     (worker_\w+) (\d+);$", site, re.MULTILINE))
    files, connections = advised["worker_rlimit_nofile"], advised["worker_connections"]
    around = NGINX_AROUND.format(folder=folder, files=files, connections=connections)
    (folder / "nginx.conf").write_text(around)
    return [str(NGINX), "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")]


def caddy(folder: Path, ca: ThrowawayCa, port: int, mint_port: int) -> list[str]:
    site = changed(
        "Caddyfile",
        {
            "{\n\tservers {\n": CADDY_OPTIONS % folder,
            f"{NAME} {{\n": f"https://{NAME}:{port} {{\n\tbind 127.0.0.1\n\ttls {ca.certificate} {ca.key}\n",
            "127.0.0.1:8080": f"127.0.0.1:{mint_port}",
        },
    )
    (folder / "Caddyfile").write_text(site)
    return [str(CADDY), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


PROXIES = [pytest.param(nginx, marks=needs["nginx"]), pytest.param(caddy, marks=needs["caddy"])]


@needs["caddy"]
def test_caddys_example_receives_a_request_whole_whatever_caddys_version(tmp_path: Path) -> None:
    def run(*words: str) -> str:
        home = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
        return subprocess.run([str(CADDY), *words], env=home, capture_output=True, text=True, check=True).stdout

    found = re.search(r"(\d+)\.(\d+)\.(\d+)", run("version"))
    assert found is not None
    adapted = json.loads(run("adapt", "--config", str(EXAMPLES / "Caddyfile"), "--adapter", "caddyfile"))
    (handler,) = [one for one in dictionaries(adapted) if one.get("handler") == "reverse_proxy"]
    buffers = {name: value for name, value in handler.items() if "buffer" in name}
    old, new = {"buffer_requests": True, "max_buffer_size": 128 * 1024}, {"request_buffers": 128 * 1024}
    assert buffers == (new if tuple(int(number) for number in found.groups()) >= (2, 7, 0) else old)
    assert handler["transport"]["response_header_timeout"] == 40 * 10**9


def dictionaries(value: object) -> Iterator[dict[str, Any]]:
    """Yield every object in a JSON value."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from dictionaries(inner)


@contextmanager
def in_front(proxy: Proxy, folder: Path, mint: MintProcess) -> Iterator[Client]:
    """Run the proxy and give a client that trusts only the test's authority."""
    ca = ThrowawayCa(folder, NAME)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    command = proxy(folder, ca, port, int(mint.url.rpartition(":")[2]))
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={"HOME": str(folder), "PATH": "/usr/bin:/bin"},
        )
        try:
            _wait_until_listening(port, running, folder / "log")
            yield Client(ca, port)
        finally:
            running.terminate()
            running.wait(20)


def _wait_until_listening(port: int, running: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(400):
        try:
            running.wait(0.05)
        except subprocess.TimeoutExpired:
            pass
        else:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionError:
            continue
        return
    raise AssertionError(f"the proxy does not listen:\n{log.read_text()}")


class Client:
    """Requests https://mint.example.com at 127.0.0.1, and accepts its certificate only if the CA signed it."""

    def __init__(self, ca: ThrowawayCa, port: int) -> None:
        self.port = port
        self.tls = ssl.create_default_context(cafile=str(ca.bundle))
        self._pool = self._new_pool()

    def _new_pool(self) -> urllib3.HTTPSConnectionPool:
        return urllib3.HTTPSConnectionPool(
            "127.0.0.1",
            self.port,
            ssl_context=self.tls,
            server_hostname=NAME,
            assert_hostname=NAME,
            retries=False,
            timeout=urllib3.Timeout(30),
        )

    def reconnect(self) -> None:
        """Send the next request over a new connection."""
        self._pool.close()
        self._pool = self._new_pool()

    def send(self, method: str, path: str, token: str = "", body: bytes = b"") -> urllib3.BaseHTTPResponse:
        headers = {"Host": NAME, "Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return self._pool.urlopen(method, path, body=body, headers=headers)


@pytest.mark.parametrize("proxy", PROXIES)
def test_a_job_mints_through_the_proxy_over_tls(proxy: Proxy, world: World, tmp_path: Path) -> None:
    pems = tmp_path / "pems"
    pems.mkdir()
    sent = as_job({"role": "coder", "repos": ["app"]})(world)
    assert sent.token is not None
    with standalone(world, pems, METRICS="1") as mint, in_front(proxy, tmp_path, mint) as client:
        minted = client.send("POST", "/v1/token", sent.token, json.dumps(sent.body).encode())
        refused = client.send("POST", "/v1/token", "nonsense", b'{"role": "coder"}')
        too_large = client.send("POST", "/v1/token", "nonsense", b"x" * 200_000)
        far_too_large = client.send("POST", "/v1/token", "nonsense", b"x" * 1_500_000)
        health = client.send("GET", "/health")
        metrics = client.send("GET", "/metrics")
    assert (minted.status, minted.json()["granted_repos"]) == (200, ["octo-org/app"])
    assert minted.headers["Cache-Control"] == "no-store"
    assert minted.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert (refused.status, refused.json()["code"]) == (401, "invalid_token")
    assert refused.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert (too_large.status, too_large.json()["code"]) == (413, "body_too_large")
    assert (far_too_large.status, far_too_large.json()["code"]) == (413, "body_too_large")
    assert set(far_too_large.json()) == {"error", "code", "request_id"}
    assert (health.status, health.json()["status"]) == (200, "ok")
    assert metrics.status == 404
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".pem"]
    assert not [path for path in kept if minted.json()["token"].encode() in path.read_bytes()]


@pytest.mark.parametrize("proxy", PROXIES)
def test_slow_and_silent_clients_of_the_proxy_delay_no_other_client(
    proxy: Proxy, world: World, tmp_path: Path
) -> None:
    pems = tmp_path / "pems"
    pems.mkdir()
    token = world.issuer.token(world.job())
    with standalone(world, pems) as mint, in_front(proxy, tmp_path, mint) as client:

        def health() -> int:
            client.reconnect()
            return client.send("GET", "/health").status

        def minted() -> int:
            return client.send("POST", "/v1/token", token, b'{"role": "coder", "repos": ["app"]}').status

        for starts in (SLOW, MANY_SILENT):
            with SlowClients(client.port, starts, tls=client.tls):
                assert slowest_but_one([health, minted] * 50) < 1


@pytest.mark.parametrize("proxy", PROXIES)
def test_a_mint_that_is_down_is_told_in_the_clients_own_form(proxy: Proxy, world: World, tmp_path: Path) -> None:
    pems = tmp_path / "pems"
    pems.mkdir()
    mint = standalone(world, pems).start()
    with in_front(proxy, tmp_path, mint) as client:
        mint.stop()
        got = client.send("POST", "/v1/token", "t", b'{"role": "coder"}')
    assert (got.status, got.json()["code"]) == (502, "mint_unreachable")
    assert set(got.json()) == {"error", "code", "request_id"}
    assert got.headers["Content-Type"] == "application/json"
    assert got.headers["Cache-Control"] == "no-store"
