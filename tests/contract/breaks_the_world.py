"""A test that leaves GitHub broken. Only `test_order.py` runs it, before the contract's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullsend_sandbox.faults import Drop

if TYPE_CHECKING:
    from fullsend_sandbox.world import World


def test_github_is_left_broken(world: World) -> None:
    world.github.faults.add(Drop(), times=1000)
