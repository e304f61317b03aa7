"""The clock that the tests of the cache set."""

from __future__ import annotations

import pytest

from tests.mint_doubles import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
