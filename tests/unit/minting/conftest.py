"""A mint whose ports are in memory."""

from __future__ import annotations

import pytest

from tests.unit.minting.overlap_world import World


@pytest.fixture
def world() -> World:
    return World()
