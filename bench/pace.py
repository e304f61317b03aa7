"""How rare the rare mints are: the pause between two of them, and what it stands for."""

from __future__ import annotations

PAUSE_SECONDS = 0.3
RARE_SECONDS = 900.0
"""One mint in 15 minutes."""
