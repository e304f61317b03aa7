"""A folder of keys: files that are unusable, outside of it, unreadable or open to every user."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from fullsend_sandbox.keys import new_key, pem
from mintcore.errors import InvalidRoleKey, KeyUnavailable, RoleKeyMissing
from mintcore.keys.directory import DirectoryKeys
from mintcore.observe.log import JsonLog
from mintcore.policy.names import Role
from tests.unit.keys.key_folder import TRIAGE, pkcs8, put, signs_with

if TYPE_CHECKING:
    from mintcore.errors import MintError
    from mintcore.request import RequestContext


@pytest.mark.parametrize("name", ["../triage", "/etc/passwd", "a/b", "..", "", ".", "triage\0", "Triage", "a--b"])
def test_no_name_leads_out_of_the_directory(
    name: str, tmp_path: Path, one: rsa.RSAPrivateKey, context: RequestContext
) -> None:
    inner = tmp_path / "a"
    inner.mkdir()
    put(tmp_path, pem(one))
    with pytest.raises(RoleKeyMissing):
        DirectoryKeys(str(inner), JsonLog(io.StringIO())).signer(Role(name), context)


@pytest.mark.parametrize(
    ("directory", "kind"), [("file", RoleKeyMissing), ("loop", RoleKeyMissing), ("x" * 300, KeyUnavailable)]
)
def test_a_path_that_leads_nowhere_does_not_crash(
    directory: str, kind: type[MintError], tmp_path: Path, context: RequestContext
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(kind, match=directory):
        DirectoryKeys(str(tmp_path / directory), JsonLog(io.StringIO())).signer(TRIAGE, context)


def test_no_file_stays_open(
    tmp_path: Path, keys: DirectoryKeys, one: rsa.RSAPrivateKey, context: RequestContext
) -> None:
    def next_descriptor() -> int:
        reading, writing = os.pipe()
        os.close(reading)
        os.close(writing)
        return reading

    put(tmp_path, pem(one))
    (tmp_path / "coder.pem").mkdir()
    before = next_descriptor()
    keys.signer(TRIAGE, context)
    with pytest.raises(InvalidRoleKey):
        keys.signer(Role("coder"), context)
    assert next_descriptor() == before


def test_a_key_as_large_as_a_file_may_be_is_read(
    tmp_path: Path, keys: DirectoryKeys, one: rsa.RSAPrivateKey, context: RequestContext
) -> None:
    put(tmp_path, pem(one).ljust(65_536))
    assert signs_with(keys, one, context)
    put(tmp_path, pem(one).ljust(65_537))
    with pytest.raises(InvalidRoleKey, match="larger"):
        keys.signer(TRIAGE, context)


def _bad_keys() -> dict[str, tuple[bytes, str]]:
    key = new_key()
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - to be refused
    elliptic = ec.generate_private_key(ec.SECP256R1())
    return {
        "encrypted": (pkcs8(key, b"hunter2"), "encrypted"),
        "truncated": (pem(key)[:800], "cut off"),
        "damaged": (pem(key).replace(b"\nMII", b"\nXXX"), "damaged"),
        "public": (
            key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            "public key",
        ),
        "empty": (b"", "empty"),
        "no PEM": (b"\x00\x01 not a key", "PEM form"),
        "too few bits": (pem(weak), "1024 bits"),
        "no RSA": (elliptic.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), "not an RSA key"),
    }


@pytest.mark.parametrize(("content", "says"), _bad_keys().values(), ids=_bad_keys())
def test_an_unusable_key_is_refused_with_its_kind(
    content: bytes, says: str, tmp_path: Path, keys: DirectoryKeys, context: RequestContext
) -> None:
    put(tmp_path, content)
    with pytest.raises(InvalidRoleKey) as refused:
        keys.signer(TRIAGE, context)
    assert says in refused.value.detail
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("target", "says"), [("/nonexistent", "which does not exist"), ("triage.pem", "which leads back to itself")]
)
def test_a_link_without_a_file_is_named_with_its_target(
    target: str, says: str, tmp_path: Path, keys: DirectoryKeys, context: RequestContext
) -> None:
    (tmp_path / "triage.pem").symlink_to(target)
    with pytest.raises(RoleKeyMissing) as refused:
        keys.signer(TRIAGE, context)
    assert refused.value.detail.endswith(f"is a symbolic link to {target!r}, {says}")


def test_a_named_pipe_or_a_directory_does_not_hold_the_mint(
    tmp_path: Path, keys: DirectoryKeys, context: RequestContext
) -> None:
    os.mkfifo(tmp_path / "triage.pem")
    (tmp_path / "coder.pem").mkdir()
    for role in (TRIAGE, Role("coder")):
        with pytest.raises(InvalidRoleKey, match="is not a regular file"):
            keys.signer(role, context)


AS_NOBODY = """
import io, os, sys
from mintcore.observe.log import JsonLog
from mintcore.errors import InvalidRoleKey
from mintcore.keys.directory import DirectoryKeys
os.setgroups([])
os.setuid(65534)  # only now: this Python may lie where nobody else can read it
try:
    DirectoryKeys(sys.argv[1], JsonLog(io.StringIO())).key_version("triage")
    DirectoryKeys(sys.argv[1], JsonLog(io.StringIO())).signer("triage", None)
except InvalidRoleKey as failure:
    print(failure.detail)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_file_of_another_user_is_the_operators_to_fix(tmp_path: Path) -> None:
    path = put(tmp_path, b"x")
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(tmp_path)],
        cwd=Path(__file__).resolve().parents[3],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout == f"{path} cannot be read by the user the mint runs as\n"


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o440, False), (0o644, True), (0o606, True)])
def test_a_file_open_to_every_user_is_warned_about(
    mode: int, warned: bool, tmp_path: Path, one: rsa.RSAPrivateKey, context: RequestContext
) -> None:
    log = io.StringIO()
    keys = DirectoryKeys(str(tmp_path), JsonLog(log))
    path = put(tmp_path, pem(one), mode=mode)
    keys.signer(TRIAGE, context)
    keys.signer(TRIAGE, context)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [line["severity"] for line in lines] == (["WARNING"] if warned else [])
    if warned:
        assert str(path) in lines[0]["message"]
        assert "chmod 600" in lines[0]["message"]
