"""The places where App keys are kept, for the tests of keys."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox.secret_manager import SecretManager
from mintcore.keys.directory import DirectoryKeys
from mintcore.observe.log import JsonLog
from tests.mint_doubles import FakeClock, new_attempt
from tests.unit.keys.key_values import SECRET, pem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric import rsa

    from fullsend_sandbox.keys import KeyPool
    from mintcore.request import RequestContext


@pytest.fixture
def secrets() -> Iterator[SecretManager]:
    with SecretManager("123", "octo-project") as running:
        yield running


@pytest.fixture
def stored(secrets: SecretManager, key: rsa.RSAPrivateKey) -> SecretManager:
    """Give Secret Manager with the key of the role coder."""
    secrets.add_version(SECRET, pem(key))
    return secrets


@pytest.fixture
def keys(tmp_path: Path) -> DirectoryKeys:
    return DirectoryKeys(str(tmp_path), JsonLog(io.StringIO()))


@pytest.fixture
def one(rsa_keys: KeyPool) -> rsa.RSAPrivateKey:
    rsa_keys.rewind()
    return rsa_keys.next_key()


@pytest.fixture
def context() -> RequestContext:
    return new_attempt(FakeClock())
