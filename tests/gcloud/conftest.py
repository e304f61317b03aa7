"""A shell with the real gcloud, pointed at a control plane on loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox.google.control_plane import ControlPlane
from tests.gcloud.gcloud_shell import Shell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fullsend_sandbox.world import World


@pytest.fixture
def shell(world: World, tmp_path: Path) -> Iterator[Shell]:
    with ControlPlane(world) as plane:
        plane.new_project()
        yield Shell(world, plane, tmp_path / "home")
