"""The two ways to run the mint, as the contract's tests see them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fullsend.sandbox.process import MintProcess

ROOT = Path(__file__).resolve().parents[2]
MODES = ("hosted",)


class StartMode(Protocol):
    """Starts a mint of a mode, with changes to its environment."""

    def __call__(self, mode: str, **changes: str) -> MintProcess: ...
