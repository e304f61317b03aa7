"""A mint of either mode, shared where that is safe and started anew where a row breaks the world."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.audited_mint import AuditedMint
from tests.contract.exchange import send
from tests.contract.modes import MODES, ROOT, StartMode
from tests.contract.table import as_job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fullsend.sandbox.process import MintProcess
    from fullsend.sandbox.world import World


@pytest.fixture(scope="session")
def shared_mints(shared_world: World) -> Iterator[dict[str, MintProcess]]:
    """Run one mint of each mode for all rows that leave the world as it is."""
    with AuditedMint(shared_world.mint_environment(), source=ROOT) as hosted:
        # The next test makes the world anew: a mint still fetching the issuer's keys then would do without them.
        assert send(hosted.url, as_job()(shared_world)).status == 200
        yield {"hosted": hosted}


@pytest.fixture
def start_mode(world: World) -> Iterator[StartMode]:
    """Start a mint of a mode for one test, with changes to its environment."""
    started: list[MintProcess] = []

    def start(mode: str, **changes: str) -> MintProcess:
        assert mode in MODES
        mint = AuditedMint(world.mint_environment(**changes), source=ROOT)
        started.append(mint)
        return mint.start()

    yield start
    for mint in started:
        if mint.returncode is None:
            mint.stop()
