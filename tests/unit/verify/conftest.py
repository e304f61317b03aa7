"""One issuer, or several, for the tests of verification."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox.issuer import Issuer
from fullsend_sandbox.keys import KeyPool
from tests.unit.verify.issuers_world import Issuers

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def pool() -> Iterator[KeyPool]:
    made = KeyPool(ahead=6)
    yield made
    made.close()


@pytest.fixture
def issuers(pool: KeyPool) -> Iterator[Issuers]:
    pool.rewind()
    made = Issuers(pool)
    yield made
    made.stop()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as running:
        yield running
