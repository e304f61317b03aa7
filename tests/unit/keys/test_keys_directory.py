from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox.keys import pem
from mintcore.errors import RoleKeyMissing
from mintcore.keys.app_jwt import AppJwts
from mintcore.keys.directory import DirectoryKeys
from mintcore.observe.log import JsonLog
from mintcore.policy.roles import App
from tests.mint_doubles import FakeClock
from tests.unit.keys.key_folder import TRIAGE, pkcs8, put, signs_with

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric import rsa

    from fullsend_sandbox.keys import KeyPool
    from mintcore.request import RequestContext


@pytest.fixture
def other(one: rsa.RSAPrivateKey, rsa_keys: KeyPool) -> rsa.RSAPrivateKey:
    second = rsa_keys.next_key()
    assert second is not one
    return second


@pytest.mark.parametrize("form", [pem, pkcs8])
def test_both_forms_of_key_sign(
    form: object, tmp_path: Path, keys: DirectoryKeys, one: rsa.RSAPrivateKey, context: RequestContext
) -> None:
    put(tmp_path, pem(one) if form is pem else pkcs8(one))
    assert signs_with(keys, one, context)


def test_an_unchanged_file_is_read_once(
    tmp_path: Path, keys: DirectoryKeys, one: rsa.RSAPrivateKey, context: RequestContext
) -> None:
    put(tmp_path, pem(one))
    assert keys.signer(TRIAGE, context) is keys.signer(TRIAGE, context)


def test_a_file_moved_into_place_is_used_at_once(
    tmp_path: Path, keys: DirectoryKeys, one: rsa.RSAPrivateKey, other: rsa.RSAPrivateKey, context: RequestContext
) -> None:
    put(tmp_path, pem(one))
    assert signs_with(keys, one, context)
    put(tmp_path, pem(other), "new").replace(tmp_path / "triage.pem")
    assert signs_with(keys, other, context)


def test_a_file_written_over_is_used_at_once(
    tmp_path: Path, keys: DirectoryKeys, one: rsa.RSAPrivateKey, other: rsa.RSAPrivateKey, context: RequestContext
) -> None:
    put(tmp_path, pem(one))
    assert signs_with(keys, one, context)
    put(tmp_path, pem(other))
    assert signs_with(keys, other, context)


def test_an_older_file_put_back_is_used_at_once(
    tmp_path: Path, keys: DirectoryKeys, one: rsa.RSAPrivateKey, other: rsa.RSAPrivateKey, context: RequestContext
) -> None:
    path = put(tmp_path, pem(one))
    os.utime(path, ns=(10**18, 10**18))
    assert signs_with(keys, one, context)
    os.utime(put(tmp_path, pem(other)), ns=(10**18, 10**18))
    assert signs_with(keys, other, context)


def test_the_swapped_links_of_a_kubernetes_secret_are_followed(
    tmp_path: Path, one: rsa.RSAPrivateKey, other: rsa.RSAPrivateKey, context: RequestContext
) -> None:
    """Its volume holds triage.pem → ..data/triage.pem and ..data → a directory with the time in its name."""
    volume = tmp_path / "volume"
    for name, key in (("..2026_01", one), ("..2026_02", other)):
        (volume / name).mkdir(parents=True)
        put(volume / name, pem(key))
    (volume / "..data").symlink_to("..2026_01")
    (volume / "triage.pem").symlink_to("..data/triage.pem")
    keys = DirectoryKeys(str(volume), JsonLog(io.StringIO()))
    assert signs_with(keys, one, context)
    (volume / "..data_tmp").symlink_to("..2026_02")
    (volume / "..data_tmp").replace(volume / "..data")
    assert signs_with(keys, other, context)


def test_an_app_jwt_of_the_old_key_is_not_shown_once_the_file_is_another(
    tmp_path: Path, keys: DirectoryKeys, one: rsa.RSAPrivateKey, other: rsa.RSAPrivateKey, context: RequestContext
) -> None:
    jwts, app = AppJwts(keys, FakeClock()), App("7", TRIAGE)
    put(tmp_path, pem(one))
    first = jwts.assertion(app, context).reveal()
    assert jwts.assertion(app, context).reveal() == first
    put(tmp_path, pem(other))
    assert jwts.assertion(app, context).reveal() != first


def test_an_app_jwt_does_not_outlive_its_key_file(
    tmp_path: Path, keys: DirectoryKeys, one: rsa.RSAPrivateKey, context: RequestContext
) -> None:
    jwts, app = AppJwts(keys, FakeClock()), App("7", TRIAGE)
    path = put(tmp_path, pem(one))
    jwts.assertion(app, context)
    path.unlink()
    with pytest.raises(RoleKeyMissing):
        jwts.assertion(app, context)


def test_a_key_that_comes_later_is_found(
    tmp_path: Path, keys: DirectoryKeys, one: rsa.RSAPrivateKey, context: RequestContext
) -> None:
    with pytest.raises(RoleKeyMissing):
        keys.signer(TRIAGE, context)
    put(tmp_path, pem(one))
    assert signs_with(keys, one, context)


def test_a_forgotten_key_is_read_again(
    tmp_path: Path, keys: DirectoryKeys, one: rsa.RSAPrivateKey, context: RequestContext
) -> None:
    put(tmp_path, pem(one))
    before = keys.signer(TRIAGE, context)
    keys.forget(TRIAGE)
    assert keys.signer(TRIAGE, context) is not before
