"""Start ``fullsend-mint`` correctly, and with every mistake that users make."""

from __future__ import annotations

import os
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from mintcore.version import VERSION
from tests.audited_mint import AuditedMint
from tests.standalone import COMMAND, run

if TYPE_CHECKING:
    from pathlib import Path


def test_check_prints_what_would_be_served(guide: dict[str, str], tmp_path: Path) -> None:
    del guide["PORT"]
    done = run(guide, "--check", cwd=tmp_path)
    assert (done.status, done.err) == (0, "")
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert lines[0] == f"fullsend-mint {VERSION}: the settings and the key files are good"
    for line in (
        "listens on :8080",
        "organizations myorg",
        "workflow files any",
        "audience fullsend-mint",
        "other roles forwarded to https://mint.example.com",
        "scanner 5555555 ./pems/scanner.pem contents:read security_events:write metadata:read",
        "triage 4087047 ./pems/triage.pem contents:read issues:write metadata:read",
    ):
        assert line in lines
    assert "PRIVATE KEY" not in done.out


@pytest.mark.parametrize(
    ("empty", "says"),
    [
        ("ALLOWED_ORGS", "every request would be denied: ALLOWED_ORGS and PER_REPO_WIF_REPOS are empty. Fix: "),
        ("ALLOWED_WORKFLOW_FILES", "every request would be denied: ALLOWED_WORKFLOW_FILES is not set. Fix: "),
    ],
)
def test_check_fails_where_every_request_would_be_denied(
    empty: str, says: str, guide: dict[str, str], tmp_path: Path
) -> None:
    done = run(guide | {empty: ""}, "--check", cwd=tmp_path)
    assert (done.status, done.out) == (1, "")
    assert says in done.err


def test_check_fails_where_no_role_would_be_served(guide: dict[str, str], tmp_path: Path) -> None:
    done = run(guide | {"ROLE_APP_IDS": '{"scanner": "1"}', "CUSTOM_ROLE_PERMISSIONS": ""}, "--check", cwd=tmp_path)
    assert (done.status, done.out) == (1, "")
    assert "no role would be served" in done.err


def test_it_listens_only_on_the_address_of_bind(guide: dict[str, str], tmp_path: Path) -> None:
    port = int(guide["PORT"])
    with AuditedMint(guide | {"BIND": "127.0.0.1"}, source=tmp_path, command=("fullsend-mint",), port=port) as mint:
        # Another listener of the same port on another address: possible only if the mint leaves it free.
        socket.create_server(("127.0.0.2", port)).close()
    assert any(f"fullsend-mint starting on 127.0.0.1:{port} (standalone mode)" in line for line in mint.logs())


@pytest.mark.parametrize(
    ("bind", "says"),
    [
        ("localhost", "BIND must be an IP address; for example BIND=127.0.0.1"),
        ("192.0.2.1", "BIND 192.0.2.1 is not an address of this machine. Fix: BIND=127.0.0.1"),
    ],
)
def test_an_address_it_cannot_listen_on_is_one_sentence(
    bind: str, says: str, guide: dict[str, str], tmp_path: Path
) -> None:
    done = run(guide | {"BIND": bind}, cwd=tmp_path)
    assert (done.status, done.err) == (1, f"{says}\n")


def test_check_asks_a_public_mint_for_no_workflow_files(guide: dict[str, str], tmp_path: Path) -> None:
    done = run(guide | {"ALLOWED_ORGS": "*", "ALLOWED_WORKFLOW_FILES": ""}, "--check", cwd=tmp_path)
    assert (done.status, done.out.splitlines()[0].endswith("are good")) == (0, True)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"AUDIT_LOG": "file:/nonexistent/audit.jsonl"}, "AUDIT_LOG names /nonexistent/audit.jsonl"),
        ({"ROLE_APP_IDS": '{"octo-org/triage": "1"}'}, "ROLE_APP_IDS has only legacy keys"),
        ({"HTTPS_PROXY_FROM_ENV": "true"}, "HTTPS_PROXY_FROM_ENV is neither 1 nor 0"),
    ],
)
def test_check_fails_where_the_mint_would_not_start_or_never_be_healthy(
    changes: dict[str, str], says: str, guide: dict[str, str], tmp_path: Path
) -> None:
    done = run(guide | changes, "--check", cwd=tmp_path)
    assert (done.status, done.out) == (1, "")
    assert says in done.err


@pytest.mark.parametrize("words", ["--check", "--version", "--help"])
@pytest.mark.parametrize(
    ("stdout", "says"), [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")]
)
def test_stdout_that_takes_nothing_is_one_sentence(
    words: str, stdout: str, says: str, guide: dict[str, str], tmp_path: Path
) -> None:
    line = ["bash", "-c", f'"$0" {words} {stdout}', str(COMMAND)]
    done = subprocess.run(line, cwd=tmp_path, env=guide, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"standard output cannot be written: {says}. Fix: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("words", ["--check", "--help"])
def test_a_reader_that_has_gone_gets_no_message(words: str, guide: dict[str, str], tmp_path: Path) -> None:
    """As with ``fullsend-mint --check | head -1``."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [COMMAND, words],
            cwd=tmp_path,
            env=guide,
            stdout=writing,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize("arguments", [(), ("--check",)], ids=["serve", "check"])
@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"PEM_DIR": "./nowhere"}, "/nowhere is not a directory. Fix: create it"),
        ({"PEM_DIR": "./pems/triage.pem"}, "/pems/triage.pem is not a directory"),
        ({"ROLE_APP_IDS": "{triage: 1}"}, "ROLE_APP_IDS is not valid JSON"),
        ({"FALLBACK_MINT_URL": "http://mint.example.com"}, "FALLBACK_MINT_URL must be an https URL"),
        (
            {"CUSTOM_ROLE_PERMISSIONS": '{"scanner":{"contents":"read"},"triage":{"contents":"read"}}'},
            'registering custom role permissions: custom role "triage" collides with built-in role',
        ),
        ({"PORT": "http"}, "PORT is not a whole number from 1 to 65535"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_sentence_and_status_1(
    changes: dict[str, str], says: str, arguments: tuple[str, ...], guide: dict[str, str], tmp_path: Path
) -> None:
    done = run(guide | changes, *arguments, cwd=tmp_path)
    assert (done.status, done.out) == (1, "")
    (line,) = done.err.splitlines()
    assert says in line


def test_an_empty_environment_gets_a_line_for_each_required_setting(tmp_path: Path) -> None:
    done = run({}, cwd=tmp_path)
    assert done.status == 1
    assert [line.split()[0] for line in done.err.splitlines()] == ["ROLE_APP_IDS", "PEM_DIR"]


def test_a_port_in_use_is_one_sentence_and_status_1(guide: dict[str, str], tmp_path: Path) -> None:
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        done = run(guide | {"PORT": str(port)}, cwd=tmp_path)
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith(f"PORT {port} cannot be used (Address already in use). Fix: ")
    assert len(done.err.splitlines()) == 1


def test_a_bad_key_and_a_port_in_use_are_told_at_one_start(guide: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "pems" / "triage.pem").write_bytes(b"")
    with socket.create_server(("", 0)) as taken:
        done = run(guide | {"PORT": str(taken.getsockname()[1])}, cwd=tmp_path)
    assert len(done.err.splitlines()) == 2


@pytest.mark.parametrize("arguments", [("serve",), ("--verbose",), ("--check", "now")])
def test_unknown_arguments_are_a_usage_error(
    arguments: tuple[str, ...], guide: dict[str, str], tmp_path: Path
) -> None:
    done = run(guide, *arguments, cwd=tmp_path)
    assert (done.status, done.out) == (2, "")
    assert "unrecognized arguments" in done.err


def test_help_and_version_need_no_configuration(tmp_path: Path) -> None:
    assert "--check" in run({}, "--help", cwd=tmp_path).out
    assert run({}, "--version", cwd=tmp_path).out == f"fullsend-mint {VERSION}\n"
