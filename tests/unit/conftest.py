"""One RSA key and a clock that moves only when told to, for every unit test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox.keys import new_key
from tests.mint_doubles import FakeClock

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa


@pytest.fixture(scope="session")
def key() -> rsa.RSAPrivateKey:
    return new_key()


@pytest.fixture
def clock() -> FakeClock:
    """Give a clock whose sleeps take no time."""
    return FakeClock()
