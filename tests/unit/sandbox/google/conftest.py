"""A control plane whose functions are stand-ins, of a project made a minute ago with every API enabled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox.google.control_plane import ControlPlane
from fullsend_sandbox.google.emulated_runner import EmulatedRunner
from tests.unit.sandbox.google.google_operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fullsend_sandbox.world import World


@pytest.fixture
def control_plane(world: World) -> Iterator[ControlPlane]:
    with ControlPlane(world, runner=EmulatedRunner()) as running:
        running.new_project()
        running.enable()
        yield running


@pytest.fixture
def operator(control_plane: ControlPlane) -> Iterator[Operator]:
    at_work = Operator(control_plane)
    yield at_work
    at_work.close()
