from __future__ import annotations

import json
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fork.client import fork_server

if TYPE_CHECKING:
    from collections.abc import Iterator

FULLSEND = str(Path(sys.executable).parent / "fullsend")
LIMIT = 60
DEPLOY_SECONDS = 240
ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
# Where the command line is not on the PATH, as right after `make setup`.
PLAIN = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return fork_server().run([FULLSEND, "sandbox", *arguments], env=PLAIN, cwd=Path.cwd(), timeout=LIMIT)


def free_ports(count: int = 5) -> int:
    """Find the first of some free ports in a row, below those that the system assigns automatically."""
    for first in random.sample(range(20_000, 32_000, count), 50):
        with ExitStack() as held:
            try:
                for port in range(first, first + count):
                    held.enter_context(socket.create_server(("127.0.0.1", port)))
            except OSError:
                continue
            return first
    pytest.fail(f"no {count} free ports in a row")


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [FULLSEND, "sandbox", *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=PLAIN
    ) as process:
        printed = ""
        assert process.stdout is not None
        for line in process.stdout:
            printed += line
            if "Ctrl-C" in line:
                break
        try:
            yield process, printed
        finally:
            process.terminate()  # a kill would leave its mint behind
            try:
                process.communicate(timeout=LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()


def pasted(commands: str, *, within: float = LIMIT) -> str:
    """Return the output of the commands in a shell."""
    done = subprocess.run(
        ["bash", "-c", commands], cwd=ROOT, env=PLAIN, capture_output=True, text=True, timeout=within, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_demo_passes_and_prints_a_table() -> None:
    result = run("demo")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "invalid_token" in result.stdout
    assert "starting the world" in result.stderr
    assert re.search(r"ghs_\w{4,}", result.stdout) is None


def test_a_mint_that_is_wrong_fails_the_demo_and_shows_its_log(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        "def mint(request):\n    print('asked for', request.path)\n    return 'yes', 200\n"
    )
    result = run("demo", "--source", str(tmp_path))
    assert result.returncode == 1
    assert "WRONG" in result.stdout
    assert "should be 403 org_not_allowed" in result.stdout
    assert "asked for /v1/token" in result.stderr


def test_a_mint_that_does_not_start_is_one_error_with_its_last_words(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("raise SystemExit('ROLE_APP_IDS is missing')\n")
    result = run("demo", "--source", str(tmp_path))
    assert result.returncode == 1
    assert "error: the mint process ended" in result.stderr
    assert "ROLE_APP_IDS is missing" in result.stderr


def test_a_folder_without_main_py_is_refused(tmp_path: Path) -> None:
    result = run("demo", "--source", str(tmp_path))
    assert result.returncode == 1
    assert "there is no main.py" in result.stderr


@pytest.mark.parametrize(
    ("options", "remedy"),
    [((), "first port: --port 18080."), (("--from-make",), "first port: make serve PORT=18080.")],
)
def test_a_port_in_use_is_named_with_what_to_do(options: tuple[str, ...], remedy: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("serve", "--port", str(port), *options)
    assert result.returncode == 1
    assert f"port {port}, for the service mint, is in use" in result.stderr
    assert remedy in " ".join(result.stderr.split())


@pytest.mark.skipif(shutil.which("curl") is None, reason="the printed command needs curl")
def test_what_serve_prints_is_what_the_readme_shows_and_can_be_pasted_and_mints() -> None:
    first = free_ports()
    with serving("serve", "--port", str(first)) as (_, printed):
        as_shown = re.sub("(bearer |REQUEST_TOKEN=)[^'\n]+", r"\1…", printed)
        for offset in range(5):
            as_shown = as_shown.replace(f":{first + offset}", f":{8080 + offset}")
        shown = README.partition("<!-- serve -->\n```text\n")[2].partition("```")[0]
        assert as_shown == f"{shown}\nCtrl-C ends it.\n"
        with_curl, with_fullsend = printed[: printed.index("Ctrl-C")].split("Or let the command line")
        minted = pasted(with_curl[with_curl.index("OIDC_TOKEN=") :])
        seen = pasted(with_fullsend[with_fullsend.index("export") :])
    assert json.loads(minted)["granted_repos"] == ["octo-org/app"]
    assert "octo-org" in seen
    assert '"full_name": "octo-org/app"' in seen


@pytest.mark.skipif(shutil.which("curl") is None, reason="the printed command needs curl")
def jobs_of(printed: str) -> dict[str, tuple[str, list[str]]]:
    """Return the command that mints, and the words that make the mint deny it, per kind of issuer."""
    blocks = re.split(r"^(gitlab|buildkite|circleci|kubernetes) +http.*$", printed, flags=re.MULTILINE)[1:]
    found = {}
    for kind, text in zip(blocks[::2], blocks[1::2], strict=True):
        command, denied = text.split("\n\nThe mint denies", 1)
        words = denied.partition("\n\n")[2].partition("\n\n")[0].splitlines()
        found[kind] = (command[command.index("env ") :], words)
    return found


@pytest.mark.skipif(shutil.which("curl") is None, reason="the printed command needs curl")
@pytest.mark.parametrize(
    "kinds",
    [
        ["gitlab"],
        pytest.param(["gitlab", "buildkite", "circleci", "kubernetes"], marks=pytest.mark.long),
    ],
    ids=len,
)
def test_what_serve_prints_for_an_issuer_mints_as_its_job_and_is_denied_as_another(kinds: list[str]) -> None:
    options = [option for kind in kinds for option in ("--issuer", kind)]
    with serving("serve", "--port", str(free_ports(5 + len(kinds))), *options) as (_, printed):
        jobs = jobs_of(printed[: printed.index("Ctrl-C")])
        assert list(jobs) == kinds
        for command, denied in jobs.values():
            assert '"full_name": "octo-org/app"' in pasted(command)
            assert len(denied) == 2
            for words in denied:
                other = command.replace(".venv/bin/fullsend", f"{words} .venv/bin/fullsend")
                assert "claims_not_allowed" in pasted(f"{{ {other}; }} 2>&1 || true")


def test_an_unknown_issuer_is_a_usage_error() -> None:
    result = run("serve", "--issuer", "jenkins")
    assert result.returncode == 2
    assert "'buildkite', 'circleci', 'gitlab', 'kubernetes'" in result.stderr


@pytest.mark.timeout(DEPLOY_SECONDS + 2 * LIMIT)
def test_what_cloud_prints_deploys_a_mint_and_mints_and_leaves_nothing_behind() -> None:
    with serving("cloud", "--issuer", "gitlab") as (process, printed):
        folder = Path(re.findall(r"^\. (\S+)/operator$", printed, re.MULTILINE)[0])
        assert {path.stat().st_mode & 0o077 for path in folder.iterdir() if path.is_file()} == {0}
        commands = [line for line in printed.splitlines() if line and not re.match("[A-Z][a-z]|[a-z]+  ", line)]
        if shutil.which("gcloud") is None:
            commands.remove("gcloud services list")
        said = pasted("\n".join(["set -eo pipefail", *commands]), within=DEPLOY_SECONDS)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=LIMIT)
        assert process.returncode == 0, errors
    assert "octo-org, other-org" in said
    assert said.count('"full_name": "octo-org/app"') == 2, "as a workflow, and as a job of GitLab"
    assert "project_id=4711, ref_protected=true" in said
    assert not folder.exists()


def test_the_page_s_standalone_mint_runs_in_what_cloud_serves() -> None:
    page = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
    blocks = dict(re.findall(r"<!-- standalone (\S+) -->\n```sh\n(.*?)```", page, re.DOTALL))
    port = str(free_ports(1))
    with serving("cloud") as (_, printed):
        folder = re.findall(r"^keys +(\S+)/ROLE\.pem", printed, re.MULTILINE)[0]
        mint, job = (
            blocks[name].replace("/tmp/fullsend-XXXXXXXX", folder).replace("8090", port)  # noqa: S108 - the page's
            for name in ("mint", "job")
        )
        ready = f'curl -sS --retry 40 --retry-connrefused --retry-delay 1 -o "$SANDBOX/ready" http://127.0.0.1:{port}/health'
        mint = mint.replace("&& fullsend-mint\n", f"\nfullsend-mint &\ntrap 'kill $!; wait' EXIT\n{ready}\n")
        said = pasted(f"set -eo pipefail\n{mint}\n{job}")
    assert "the settings and the key files are good" in said
    assert '"full_name": "octo-org/app"' in said


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, *(pytest.param(n, marks=pytest.mark.long) for n in (signal.SIGINT, signal.SIGHUP))]
)
def test_serve_ends_cleanly_on_a_signal_and_frees_its_ports(number: signal.Signals) -> None:
    first = free_ports()
    with serving("serve", "--port", str(first)) as (process, _):
        process.send_signal(number)
        _, errors = process.communicate(timeout=LIMIT)
        assert process.returncode == 0, errors
    assert "Traceback" not in errors
    for port in range(first, first + 5):
        socket.create_server(("127.0.0.1", port)).close()
