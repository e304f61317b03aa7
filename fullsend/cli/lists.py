"""Read options with several values: repeated, or separated by commas or blanks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click


def split(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> list[str]:
    """Split repeated options at commas and blanks; a click callback."""
    return [part for value in values for part in re.split(r"[,\s]+", value) if part]
