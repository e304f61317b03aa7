"""Provide the sleep between a command's polls: `time.sleep`, or a function passed by the caller."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Pace:
    """The sleep of a run, in seconds; passed as click's `obj`."""

    sleep: Callable[[float], None] = time.sleep


def pace() -> Pace:
    """Return the pace of the running command."""
    context = click.get_current_context(silent=True)
    return (context and context.find_object(Pace)) or Pace()
