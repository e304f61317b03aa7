"""Read options with several values: repeated, or separated by commas or blanks. Print lists of names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click

MAX_LISTED = 30
"""More names do not fit on a screen."""


def split(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> list[str]:
    """Split repeated options at commas and blanks; a click callback."""
    return [part for value in values for part in re.split(r"[,\s]+", value) if part]


def split_at_commas(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> list[str]:
    """Split repeated options only at commas, so a name's check can refuse a blank in it; a click callback."""
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def listing(names: Iterable[str]) -> str:
    """Return names in order, separated by commas; the first 30 of many, and `none` for none."""
    ordered = sorted(names, key=str.lower)
    more = len(ordered) - MAX_LISTED
    return ", ".join(ordered[:MAX_LISTED]) + (f" and {more} more" if more > 0 else "") or "none"
