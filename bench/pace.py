"""Define the pause between two mints of a rarely used mint, and the real pause that it represents."""

from __future__ import annotations

PAUSE_SECONDS = 0.3
INFREQUENT_SECONDS = 900.0
"""One mint in 15 minutes."""
