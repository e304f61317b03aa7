"""Start ``fullsend-mint`` with key files that are missing, unusable or open to every user."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
)

from fullsend_sandbox.keys import pem
from tests.standalone import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


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
    *,
    content: Callable[[RSAPrivateKey], bytes],
    says: str,
    arguments: tuple[str, ...],
    guide: dict[str, str],
    key: RSAPrivateKey,
    tmp_path: Path,
) -> None:
    file = tmp_path / "pems" / "scanner.pem"
    file.write_bytes(content(key))
    done = run(guide, *arguments, cwd=tmp_path)
    assert (done.status, done.out) == (1, "")
    (line,) = done.err.splitlines()
    assert line.startswith("./pems/scanner.pem: the key of role scanner ")
    assert says in line
    assert line.count("Fix: ") == 1
    assert line.count(".pem file") + line.count("the private key (.pem)") <= 1
    assert "hunter2" not in line


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


def test_a_key_file_open_to_all_is_warned_about(guide: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "pems" / "triage.pem").chmod(0o644)
    done = run(guide, "--check", cwd=tmp_path)
    assert done.status == 0
    assert done.err == (
        "warning: every user of this machine can access ./pems/triage.pem (mode 0644). Fix: chmod 600 "
        "./pems/triage.pem\n"
    )
