"""The pause between two mints of a mint that is rarely used, and the real pause that it stands for."""

from __future__ import annotations

PAUSE_SECONDS = 0.3
INFREQUENT_SECONDS = 900.0
"""One mint in 15 minutes."""
