"""One RSA key and one clock for the tests of keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox.keys import new_key
from fullsend_sandbox.secret_manager import SecretManager
from tests.mint_doubles import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography.hazmat.primitives.asymmetric import rsa


@pytest.fixture(scope="session")
def key() -> rsa.RSAPrivateKey:
    return new_key()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def secrets() -> Iterator[SecretManager]:
    with SecretManager("123", "octo-project") as running:
        yield running
