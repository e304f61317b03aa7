"""The two ways to run the mint, as the contract's tests see them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tests.audited_mint import ForkedMint

if TYPE_CHECKING:
    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World

ROOT = Path(__file__).resolve().parents[2]
MODES = ("hosted", "standalone")


class StartMode(Protocol):
    """Starts a mint of a mode, with changes to its environment."""

    def __call__(self, mode: str, **changes: str) -> MintProcess: ...


def new_mint(mode: str, world: World, pem_dir: Path, **changes: str) -> ForkedMint:
    """Return a mint of ``mode`` that is not started; ``pem_dir`` has the standalone mint's keys."""
    assert mode in MODES
    if mode == "hosted":
        return ForkedMint(world.mint_environment(**changes), source=ROOT)
    environment = world.standalone_environment(pem_dir, **changes)
    for file in pem_dir.iterdir():
        file.unlink()
    for secret in world.secret_manager.secrets():
        role = re.fullmatch(r"fullsend-(.+)-app-pem", secret)
        assert role is not None
        path = pem_dir / f"{role[1]}.pem"
        path.touch(mode=0o600)
        path.write_bytes(world.secret_manager.versions(secret)[-1].data)
    return ForkedMint(environment, source=ROOT, command=("fullsend-mint",))
