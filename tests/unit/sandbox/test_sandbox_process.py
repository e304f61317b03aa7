from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import pytest
import urllib3

from fullsend_sandbox.process import MintDidNotStartError, MintProcess

if TYPE_CHECKING:
    from pathlib import Path

SERVER = """
import http.server, os, signal, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503)
        self.end_headers()
        self.wfile.write("\\n".join(sorted(os.environ)).encode())
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print("ready")
print("warned", file=sys.stderr, flush=True)
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
STUBBORN = SERVER.replace("lambda *_: sys.exit(7)", "signal.SIG_IGN")


def process(tmp_path: Path, code: str, port: int = 0) -> MintProcess:
    command = (sys.executable, "-u", "-c", code)
    return MintProcess({"CANARY": "1"}, source=tmp_path, command=command, port=port, threads=3)


def test_nothing_but_the_given_environment_gets_in(tmp_path: Path) -> None:
    with process(tmp_path, SERVER) as mint, urllib3.PoolManager(retries=False, timeout=5) as http:
        names = http.request("GET", f"{mint.url}/x").data.decode().split("\n")
    assert set(names) - {"LC_CTYPE"} == {"CANARY", "PATH", "PORT", "THREADS"}


def test_any_answer_to_health_counts_as_started(tmp_path: Path) -> None:
    with process(tmp_path, SERVER) as mint:
        assert mint.returncode is None


def test_stop_asks_first_and_returns_the_exit_status(tmp_path: Path) -> None:
    mint = process(tmp_path, SERVER).start()
    assert mint.stop() == 7


def test_a_process_that_does_not_end_is_killed(tmp_path: Path) -> None:
    mint = process(tmp_path, STUBBORN).start()
    assert mint.stop(within=0.05) == -signal.SIGKILL


def test_what_it_prints_can_be_read(tmp_path: Path) -> None:
    with process(tmp_path, SERVER) as mint:
        assert mint.wait_for_log(lambda line: line == "warned") == "warned"
    assert "ready" in mint.logs()


def test_a_line_that_never_comes_is_a_timeout(tmp_path: Path) -> None:
    with process(tmp_path, SERVER) as mint, pytest.raises(TimeoutError):
        mint.wait_for_log(lambda line: line == "never", within=0.05)


def test_a_process_that_ends_at_once_is_reported_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(MintDidNotStartError, match=r"ended with status 3[\s\S]*ROLE_APP_IDS is missing"):
        process(tmp_path, "import sys; print('ROLE_APP_IDS is missing', file=sys.stderr); sys.exit(3)").start()


def test_a_process_that_never_answers_is_stopped_and_reported(tmp_path: Path) -> None:
    mint = process(tmp_path, "import signal; signal.pause()")
    with pytest.raises(MintDidNotStartError, match=r"did not answer within 0\.3 seconds"):
        mint.start(within=0.3)
    assert mint.returncode == -signal.SIGTERM


def test_a_fixed_port_is_used(tmp_path: Path) -> None:
    with process(tmp_path, SERVER) as first:
        port = int(first.url.rpartition(":")[2])
    with process(tmp_path, SERVER, port) as second:
        assert second.url == first.url
