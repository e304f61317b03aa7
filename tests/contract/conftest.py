"""Provide a mint of each mode: shared between rows, and a new one for a row that breaks the world."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.contract.exchange import send
from tests.contract.modes import MODES, StartMode, new_mint
from tests.contract.table import as_job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World


@pytest.fixture(scope="session")
def shared_mints(shared_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, MintProcess]]:
    """Run one mint of each mode for all rows that leave the world as it is."""
    shared_world.reset()  # undo faults of the last test of another folder
    with ExitStack() as running:
        mints: dict[str, MintProcess] = {
            mode: running.enter_context(new_mint(mode, shared_world, tmp_path_factory.mktemp("pems")))
            for mode in MODES
        }
        # The next test resets the world; a mint that is still fetching the issuer's keys would then not get them.
        for mint in mints.values():
            assert send(mint.url, as_job()(shared_world)).status == 200
        yield mints


@pytest.fixture
def start_mode(
    world: World, started_mints: list[MintProcess], tmp_path_factory: pytest.TempPathFactory
) -> StartMode:
    """Start a mint of a mode for one test, with changes to its environment."""

    def start(mode: str, **changes: str) -> MintProcess:
        started_mints.append(new_mint(mode, world, tmp_path_factory.mktemp("pems"), **changes))
        return started_mints[-1].start()

    return start
