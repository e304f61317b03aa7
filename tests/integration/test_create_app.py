"""`fullsend github create-app` against the sandbox's GitHub: the whole flow in a real browser, and its edges."""

from __future__ import annotations

import json
import os
import pty
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox.github import GitHubService
from tests.chromium import Browser, headless

if TYPE_CHECKING:
    from collections.abc import Iterator
BIN = Path(sys.executable).parent
ROLE = {"contents": "read", "issues": "write", "metadata": "read"}


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with headless(tmp_path) as opened:
        yield opened


@pytest.fixture
def github() -> Iterator[GitHubService]:
    with GitHubService() as service:
        service.create_org("new-org")
        yield service


def command(github: GitHubService, *arguments: str) -> subprocess.Popen[str]:
    environment = {"PATH": os.environ["PATH"], "GITHUB_API_URL": github.api_url, "BROWSER": "true"}
    return subprocess.Popen(
        [BIN / "fullsend", "github", "create-app", "--org", "new-org", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def next_url(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(r"http://\S+", line):
            return found.group()
    raise AssertionError("the command printed no address")


def test_an_app_is_created_in_a_browser_installed_and_its_key_stored(
    github: GitHubService, browser: Browser, tmp_path: Path
) -> None:
    arguments = ("--role", "triage", "--to", f"file:{tmp_path}/pems/{{role}}.pem")
    with command(github, *arguments) as process:
        browser.open(next_url(process))
        browser.click("#continue")
        browser.click("#create")
        browser.wait_for_title("The App is created.")
        browser.open(next_url(process))
        browser.click("#install")
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    app_id = json.loads(out.removeprefix("ROLE_APP_IDS="))["triage"]
    key = tmp_path / "pems" / "triage.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert "PRIVATE KEY" not in out + err
    app = github.find_app(app_id)
    assert app.private_key_pem.decode() == key.read_text()
    assert app.permissions == {"contents": "read", "issues": "write", "metadata": "read"}


def read_until(terminal: int, wanted: bytes) -> bytes:
    """Read what a command shows on its terminal, up to a prompt or its end."""
    shown = b""
    while wanted not in shown:
        try:
            shown += os.read(terminal, 4096)
        except OSError:  # Linux: EIO, when the other side is closed
            return shown
    return shown


@pytest.mark.parametrize(("own_key", "status"), [(True, 0), (False, 1)])
def test_an_app_that_was_created_elsewhere_is_taken_over_without_a_browser(
    github: GitHubService, tmp_path: Path, own_key: bool, status: int
) -> None:
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f"#!/bin/sh\ntouch {opened}\n")
    browser.chmod(0o755)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [BIN / "fullsend", "github", "create-app", "--org", "new-org", "--role", "triage", "--no-browser",
         "--to", f"file:{tmp_path}/pems/{{role}}.pem"],
        env={"PATH": os.environ["PATH"], "GITHUB_API_URL": github.api_url, "BROWSER": f"{browser} %s"},
        stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, text=True,
    ) as process:  # fmt: skip
        os.close(theirs)
        shown = read_until(ours, b"App ID: ")
        app = github.create_app("new-org-triage", ROLE, owner="new-org")
        github.install_app(app, "new-org")
        key = app if own_key else github.create_app("another", ROLE, owner="new-org")
        (tmp_path / "downloaded.pem").write_bytes(key.private_key_pem)
        os.write(ours, f"{app.id}\n".encode())
        shown += read_until(ours, b"key file: ")
        os.write(ours, f"{tmp_path}/downloaded.pem\n".encode())
        shown += read_until(ours, b"never shown")
        out, _ = process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == status, shown
    assert b"contents=read&issues=write&metadata=read" in shown
    assert out == (f'ROLE_APP_IDS={{"triage":"{app.id}"}}\n' if own_key else "")
    stored = tmp_path / "pems" / "triage.pem"
    assert [stat.S_IMODE(path.stat().st_mode) for path in stored.parent.iterdir()] == [0o600] * own_key
    assert not opened.exists()


def test_an_app_that_exists_is_compared_and_left_alone(github: GitHubService, tmp_path: Path) -> None:
    app = github.create_app("new-org-triage", {"contents": "write"}, owner="new-org")
    with command(github, "--role", "triage", "--to", f"file:{tmp_path}/k.pem") as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out == f'ROLE_APP_IDS={{"triage":"{app.id}"}}\n'
    assert "contents: the role needs read, the App has write" in err
    assert "issues: the role needs write, the App has none" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--role", "fix"), "it uses the App of coder"),
        (("--role", "scanner"), "--permission contents:read"),
        (("--role", "triage", "--to", "secrets"), "is not file:PATH"),
        (("--role", "scanner", "--permission", "contents:owner"), "contents"),
        (("--role", "Triage"), "Triage"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(
    github: GitHubService, arguments: tuple[str, ...], sentence: str
) -> None:
    with command(github, *arguments) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert sentence in err
    assert out == ""
    assert github.traffic.count() == 0


def test_a_dry_run_changes_nothing(github: GitHubService, tmp_path: Path) -> None:
    with command(github, "--role", "coder", "--dry-run", "--to", f"file:{tmp_path}/new/k.pem") as process:
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "pull_requests:write" in out
    assert list(tmp_path.iterdir()) == []
    assert github.traffic.count() == 0


@pytest.mark.parametrize(
    ("org", "sentence"), [("no-such-org", "has no organization no-such-org."), ("a-person", "a-person is a user")]
)
def test_an_organization_that_does_not_exist_is_named_before_a_page_opens(
    github: GitHubService, tmp_path: Path, org: str, sentence: str
) -> None:
    github.create_user("a-person")
    with command(github, "--org", org, "--role", "triage", "--to", f"file:{tmp_path}/new/k.pem") as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    what, fix = err.splitlines()
    assert sentence in what
    assert fix.startswith("Fix: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("place", "reason"), [("file/k.pem", "File exists"), ("file/deeper/k.pem", "Not a directory")]
)
def test_a_place_that_cannot_be_written_is_refused_before_github_makes_a_key(
    github: GitHubService, tmp_path: Path, place: str, reason: str
) -> None:
    (tmp_path / "file").touch()
    with command(github, "--role", "triage", "--to", f"file:{tmp_path}/{place}") as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert err.splitlines() == [
        f"error: {tmp_path}/{place} cannot be written: {reason}.",
        "Fix: Choose a file in a directory you may write to.",
    ]
