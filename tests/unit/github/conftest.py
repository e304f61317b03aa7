"""The GitHubs that look-ups and tokens are tested against."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.mint_doubles import FakeClock
from tests.unit.github.lookup_world import LookupWorld
from tests.unit.github.octo_world import Octo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


@pytest.fixture
def world(key: RSAPrivateKey) -> Iterator[LookupWorld]:
    given = LookupWorld(key)
    with given.github:
        given.start()
        yield given


@pytest.fixture
def octo(key: RSAPrivateKey) -> Iterator[Octo]:
    given = Octo(FakeClock(), key)
    with given.github:
        yield given
