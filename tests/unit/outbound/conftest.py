"""The clock of the tests of calls to other services."""

from __future__ import annotations

import pytest

from tests.mint_doubles import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    """Give a clock whose sleeps cost nothing; what is real time is only what a peer takes."""
    return FakeClock()
