"""Define the description of one environment variable: its modes, default, form and meaning."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Need(Enum):
    """Whether a mode reads a variable. The value is the mark in docs/configuration.md."""

    REQUIRED = "●"
    OPTIONAL = "○"
    UNUSED = "-"


class Variable(NamedTuple):
    """One row of the table; ``bounds`` are the smallest and the largest whole number."""

    name: str
    hosted: Need
    standalone: Need
    meaning: str
    default: str = ""
    example: str = ""
    bounds: tuple[int, int] = (0, 0)

    @property
    def shown(self) -> str:
        """The value that an error message shows after ``for example``."""
        return self.example or self.default

    @property
    def form(self) -> str:
        """The default, or an example if there is no default, for docs/configuration.md."""
        limits = f"from {self.bounds[0]} to {self.bounds[1]}" if self.bounds[1] else ""
        if self.default:
            return ", ".join(filter(None, (f"default `{self.default}`", limits)))
        return limits or (f"such as `{self.example}`" if self.example else "")


BOTH = (Need.OPTIONAL, Need.OPTIONAL)
BOTH_REQUIRED = (Need.REQUIRED, Need.REQUIRED)
HOSTED = (Need.OPTIONAL, Need.UNUSED)
HOSTED_REQUIRED = (Need.REQUIRED, Need.UNUSED)
STANDALONE = (Need.UNUSED, Need.OPTIONAL)
STANDALONE_REQUIRED = (Need.UNUSED, Need.REQUIRED)
