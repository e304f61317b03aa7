"""`fullsend mint token`: the token is delivered as asked, or revoked."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest
from werkzeug.wrappers import Request, Response

from fullsend_sandbox.faults import Fail
from fullsend_sandbox.github.tokens import TokenStyle
from fullsend_sandbox.loopback import LoopbackService
from tests.integration.callers.job_commands import FORBIDDEN, FULLSEND, UNKNOWN, Run, script

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fullsend_sandbox.world import World


@pytest.mark.parametrize("style", list(TokenStyle))
def test_token_prints_the_bare_token_on_stdout(world: World, mint: Run, style: TokenStyle) -> None:
    world.github.use_token_style(style)
    done = mint("token", "--role", "triage", "--repos", "app")
    assert done.returncode == 0
    assert done.stdout.startswith("ghs_")
    assert len(done.stdout.splitlines()) == 1


def test_token_asks_the_runner_to_mask_it_away_from_what_a_shell_captures(mint: Run) -> None:
    done = mint("token", "--role", "triage")
    assert done.stderr.splitlines()[0] == f"::add-mask::{done.stdout.strip()}"


def test_token_as_json_tells_scope_and_expiry(mint: Run) -> None:
    answer = json.loads(mint("token", "--role", "triage", "--repos", "app", "--format", "json").stdout)
    assert answer["granted_repos"] == ["octo-org/app"]
    assert answer["granted_permissions"] == {"contents": "read", "issues": "write", "metadata": "read"}


def test_token_as_env_can_be_evaluated_by_a_shell(mint: Run) -> None:
    line = mint("token", "--role", "triage", "--format", "env").stdout
    assert line.startswith("GH_TOKEN=ghs_")


def test_token_written_to_a_file_is_private_even_where_a_readable_file_was(mint: Run, tmp_path: Path) -> None:
    target = tmp_path / "token"
    target.write_text("old", encoding="utf-8")
    target.chmod(0o644)
    done = mint("token", "--role", "triage", "--out", str(target))
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert target.read_text(encoding="utf-8").startswith("ghs_")
    assert done.stdout == ""
    assert [file.name for file in tmp_path.iterdir()] == ["token"]


def test_a_token_that_cannot_be_delivered_is_revoked(world: World, mint: Run) -> None:
    done = mint("token", "--role", "triage", "--github-output", GITHUB_OUTPUT="/dev/full")
    assert (done.returncode, "cannot be written" in done.stderr) == (1, True)
    assert "The token was not delivered; it was revoked.\n" in done.stderr
    assert world.github.traffic.count(path_prefix="/installation/token", method="DELETE") == 1
    assert world.github.live_tokens() == []


def test_a_token_that_another_github_does_not_know_is_not_said_to_be_revoked(world: World, mint: Run) -> None:
    world.github.faults.add(Fail(401, UNKNOWN), "/installation/token")
    undelivered = mint("token", "--role", "triage", "--github-output", GITHUB_OUTPUT="/dev/full")
    assert "The token was not delivered, and not revoked: " in undelivered.stderr
    used = mint(*script("true"))
    for done in (undelivered, used):
        assert f"{world.github.api_url} does not know the token" in done.stderr
        assert "it stays valid at its own GitHub until it expires" in done.stderr
    assert used.returncode == 0


class Held:
    """A fault that holds a request until the test releases it."""

    def __init__(self) -> None:
        self.arrived = threading.Event()
        self.released = threading.Event()

    def apply(self, answer: Callable[[], Response], _stopping: threading.Event) -> Response | None:
        self.arrived.set()
        return answer() if self.released.wait(30) else None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_token_is_revoked_when_a_signal_comes_before_it_is_delivered(
    world: World, environment: dict[str, str], number: signal.Signals
) -> None:
    world.github.faults.add(Fail(401), "/installation/repositories")
    revocation = Held()
    world.github.faults.add(revocation, "/installation/token")
    with subprocess.Popen(
        [FULLSEND, "mint", "token", "--role", "triage", "--wait-usable"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        while "trying again" not in process.stderr.readline():
            pass
        process.send_signal(number)
        assert revocation.arrived.wait(30)
        process.send_signal(number)  # a second one does not cut the revocation short
        revocation.released.set()
        out, said = process.communicate(timeout=30)
    assert (process.returncode, out) == (128 + number, "")
    assert "The token was not delivered; it was revoked." in said
    assert world.github.live_tokens() == []


def test_a_token_that_could_be_neither_delivered_nor_revoked_is_said_to_live(world: World, mint: Run) -> None:
    world.github.faults.add(Fail(403, FORBIDDEN), "/installation/token")
    done = mint("token", "--role", "triage", "--github-output", GITHUB_OUTPUT="/dev/full")
    assert done.returncode == 1
    assert "not revoked: GitHub answered 403" in done.stderr


def test_nothing_is_minted_for_a_folder_that_is_not_there(world: World, mint: Run, tmp_path: Path) -> None:
    done = mint("token", "--role", "triage", "--out", str(tmp_path / "nowhere" / "token"))
    assert (done.returncode, f"the folder {tmp_path}/nowhere does not exist" in done.stderr) == (2, True)
    assert world.github.traffic.count(path_prefix="/app/installations") == 0


@pytest.mark.parametrize("stdout", [">/dev/full", ">&-"])
def test_a_token_that_stdout_does_not_take_is_revoked(
    world: World, environment: dict[str, str], stdout: str
) -> None:
    done = subprocess.run(
        ["bash", "-c", f'"$0" mint token --role triage {stdout}', FULLSEND],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    error, fix = done.stderr.splitlines()[-2:]
    assert error.startswith("error: standard output cannot be written: ")
    assert fix.startswith("Fix: ")
    assert "Traceback" not in done.stderr
    assert world.github.traffic.count(path_prefix="/installation/token", method="DELETE") == 1
    assert world.github.live_tokens() == []


def test_a_token_in_a_file_does_without_stdout(environment: dict[str, str], tmp_path: Path) -> None:
    target = tmp_path / "token"
    subprocess.run(
        ["bash", "-c", '"$0" mint token --role triage --out "$1" >&-', FULLSEND, str(target)],
        env=environment,
        timeout=60,
        check=True,
    )
    assert target.read_text(encoding="utf-8").startswith("ghs_")


def test_nothing_is_minted_for_an_output_that_is_not_a_regular_file(
    world: World, mint: Run, tmp_path: Path
) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(tmp_path / "elsewhere")
    for place in (pipe, link):
        done = mint("token", "--role", "triage", "--out", str(place))
        assert (done.returncode, done.stderr.count("\n")) == (2, 2)
        assert "Fix: Name a new file in an existing folder, or a regular file to be replaced." in done.stderr
    assert (pipe.is_fifo(), link.is_symlink()) == (True, True)
    assert world.github.traffic.count(path_prefix="/app/installations") == 0


def test_token_goes_to_the_steps_outputs_on_request(mint: Run, tmp_path: Path) -> None:
    output = tmp_path / "output"
    done = mint("token", "--role", "triage", "--github-output", GITHUB_OUTPUT=str(output))
    name, token, delimiter, *_ = output.read_text(encoding="utf-8").splitlines()
    assert (name, done.stdout) == (f"token<<{delimiter}", "")
    assert token.startswith("ghs_")


def test_wait_usable_returns_when_github_takes_the_token(world: World, mint: Run) -> None:
    world.github.not_usable_for(1)
    assert mint("token", "--role", "triage", "--wait-usable").returncode == 0
    assert world.github.traffic.matching(path_prefix="/installation/repositories")[-1].status == 200


def test_a_status_for_a_level_that_the_role_does_not_have_is_3(mint: Run) -> None:
    done = mint("status", "--role", "triage", "--level", "middle")
    assert (done.returncode, "invalid_level" in done.stdout + done.stderr) == (3, True), done.stderr


def test_a_warning_of_the_mint_is_shown_and_is_not_a_command_to_the_runner(mint: Run) -> None:
    def app(_: Request) -> Response:
        body = {
            "token": "ghs_" + "x" * 36,
            "expires_at": "2026-01-01T00:00:00Z",
            "granted_repos": [],
            "granted_permissions": {},
            "repository_selection": "all",
            "warnings": ["::add-path::/evil", "a ##[add-path]/evil", 1, "x\n::stop-commands::y"],
        }
        return Response(json.dumps(body), content_type="application/json")

    with LoopbackService("mint", app) as service:
        done = mint("token", "--role", "triage", "--mint-url", service.url)
    assert done.stderr.splitlines()[-3:] == [
        "warning: ::add-path::/evil",
        "warning: a ## [add-path]/evil",
        "warning: x ::stop-commands::y",
    ]


@pytest.mark.parametrize("token", ["::add-path::/evil", "x##[add-path]/evil"])
def test_a_token_that_is_a_command_to_the_runner_is_not_printed(mint: Run, token: str) -> None:
    def app(_: Request) -> Response:
        body = {
            "token": token,
            "expires_at": "2026-01-01T00:00:00Z",
            "granted_repos": [],
            "granted_permissions": {},
            "repository_selection": "all",
        }
        return Response(json.dumps(body), content_type="application/json")

    with LoopbackService("mint", app) as service:
        done = mint("token", "--role", "triage", "--mint-url", service.url)
    assert (done.returncode, done.stdout, token in done.stderr) == (1, "", False)
