"""Standalone mints for tests: as a process in the world, and as a command that ends by itself."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.audited_mint import ForkedMint
from tests.fork.client import fork_server

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend_sandbox.world import World

ROOT = Path(__file__).resolve().parents[1]
COMMAND = Path(sys.executable).parent / "fullsend-mint"


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    status: int
    out: str
    err: str


def run(environment: Mapping[str, str], *arguments: str, cwd: Path = ROOT) -> Done:
    """Run ``fullsend-mint`` with exactly this environment until it ends by itself."""
    done = fork_server().run([str(COMMAND), *arguments], env={"PATH": os.defpath, **environment}, cwd=cwd)
    return Done(done.returncode, done.stdout, done.stderr)


def standalone(world: World, pem_dir: Path, **changes: str) -> ForkedMint:
    """A standalone mint in ``world``, not started; each App's key is written into ``pem_dir``."""
    return ForkedMint(world.standalone_environment(pem_dir, **changes), source=ROOT, command=("fullsend-mint",))
