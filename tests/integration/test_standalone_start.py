"""Start ``fullsend-mint`` correctly, and with every mistake that users make."""

from __future__ import annotations

import os
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
)

from fullsend_sandbox.keys import KeyPool, pem
from mintcore.version import VERSION
from tests.audited_mint import AuditedMint
from tests.standalone import COMMAND, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

FALLBACK = "https://mint.example.com"


@pytest.fixture
def key(rsa_keys: KeyPool) -> RSAPrivateKey:
    rsa_keys.rewind()
    return rsa_keys.next_key()


@pytest.fixture
def guide(tmp_path: Path, key: RSAPrivateKey, rsa_keys: KeyPool) -> dict[str, str]:
    """The environment of the guide's complete example, with its two keys and a port that is free."""
    pems = tmp_path / "pems"
    pems.mkdir()
    for role, own in (("triage", key), ("scanner", rsa_keys.next_key())):
        (pems / f"{role}.pem").write_bytes(pem(own))
        (pems / f"{role}.pem").chmod(0o600)
    with socket.create_server(("", 0)) as probe:
        port = probe.getsockname()[1]
    return {
        "PORT": str(port),
        "ALLOWED_ORGS": "myorg",
        "ROLE_APP_IDS": '{"triage":"4087047","scanner":"5555555"}',
        "OIDC_AUDIENCE": "fullsend-mint",
        "PEM_DIR": "./pems",
        "ALLOWED_WORKFLOW_FILES": "*",
        "REPO_SCOPE": "caller",
        "FALLBACK_MINT_URL": FALLBACK,
        "CUSTOM_ROLE_PERMISSIONS": '{"scanner":{"contents":"read","security_events":"write","metadata":"read"}}',
    }


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
        f"other roles forwarded to {FALLBACK}",
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


def test_check_fails_where_a_role_would_get_no_tokens(guide: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "pems" / "scanner.pem").unlink()
    done = run(guide, "--check", cwd=tmp_path)
    assert (done.status, done.out) == (1, "")
    assert done.err == (
        "./pems/scanner.pem does not exist: the role scanner gets no tokens until you put the App's private key "
        "there\n"
    )


@pytest.mark.parametrize("arguments", [(), ("--check",)], ids=["serve", "check"])
def test_a_named_pipe_as_key_file_is_one_sentence(
    arguments: tuple[str, ...], guide: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "pems" / "scanner.pem").unlink()
    os.mkfifo(tmp_path / "pems" / "scanner.pem")
    done = run(guide, *arguments, cwd=tmp_path)
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("./pems/scanner.pem is not a regular file. Fix: ")


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


def test_a_link_that_leads_nowhere_is_named_as_one(guide: dict[str, str], tmp_path: Path) -> None:
    link = tmp_path / "pems" / "scanner.pem"
    link.unlink()
    link.symlink_to("/nonexistent/key")
    done = run(guide, "--check", cwd=tmp_path)
    assert (done.status, done.out) == (1, "")
    assert done.err == (
        "./pems/scanner.pem is a symbolic link to '/nonexistent/key', which does not exist: the role scanner gets "
        "no tokens until you put the App's private key there\n"
    )


def _encrypted(key: RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"hunter2"))


def _public(key: RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("arguments", [(), ("--check",)], ids=["serve", "check"])
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (_encrypted, "is encrypted. Fix: store it without a passphrase"),
        (lambda key: pem(key)[:700], "is cut off"),
        (_public, "is a public key"),
        (lambda _key: b"{}", "is not in PEM form"),
    ],
    ids=["encrypted", "truncated", "public", "no key"],
)
def test_a_key_that_cannot_be_used_is_one_sentence_and_status_1(
    content: Callable[[RSAPrivateKey], bytes],
    says: str,
    arguments: tuple[str, ...],
    guide: dict[str, str],
    tmp_path: Path,
) -> None:
    file = tmp_path / "pems" / "scanner.pem"
    file.write_bytes(content(_the_key(tmp_path)))
    done = run(guide, *arguments, cwd=tmp_path)
    assert (done.status, done.out) == (1, "")
    (line,) = done.err.splitlines()
    assert line.startswith("./pems/scanner.pem: the key of role scanner ")
    assert says in line
    assert line.count("Fix: ") == 1
    assert line.count(".pem file") + line.count("the private key (.pem)") <= 1
    assert "hunter2" not in line


def _the_key(tmp_path: Path) -> RSAPrivateKey:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    return load_pem_private_key((tmp_path / "pems" / "triage.pem").read_bytes(), None)  # type: ignore[return-value]


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


def test_a_folder_that_every_user_may_write_to_is_warned_about(guide: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "pems").chmod(0o777)
    done = run(guide, "--check", cwd=tmp_path)
    assert done.status == 0
    assert "can replace the keys in ./pems (mode 0777). Fix: chmod 700 ./pems" in done.err


@pytest.mark.parametrize("name", ["Scanner.pem", "scanner.key", "scanner.PEM"])
def test_a_file_that_is_not_read_and_looks_like_the_missing_key_is_named(
    name: str, guide: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "pems" / "scanner.pem").rename(tmp_path / "pems" / name)
    done = run(guide, "--check", cwd=tmp_path)
    assert done.status == 1
    assert f"The folder has '{name}', which is not read. Fix: rename it to scanner.pem" in done.err


def test_one_key_for_two_apps_is_warned_about(guide: dict[str, str], tmp_path: Path) -> None:
    pems = tmp_path / "pems"
    (pems / "scanner.pem").write_bytes((pems / "triage.pem").read_bytes() + b"\n")
    done = run(guide, "--check", cwd=tmp_path)
    assert done.status == 0
    assert "scanner.pem, ./pems/triage.pem hold the same key" in done.err
    assert "the Apps 4087047, 5555555" in done.err


def test_help_and_version_need_no_configuration(tmp_path: Path) -> None:
    assert "--check" in run({}, "--help", cwd=tmp_path).out
    assert run({}, "--version", cwd=tmp_path).out == f"fullsend-mint {VERSION}\n"


def test_a_key_file_open_to_all_is_warned_about(guide: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "pems" / "triage.pem").chmod(0o644)
    done = run(guide, "--check", cwd=tmp_path)
    assert done.status == 0
    assert done.err == (
        "warning: every user of this machine can access ./pems/triage.pem (mode 0644). Fix: chmod 600 "
        "./pems/triage.pem\n"
    )
