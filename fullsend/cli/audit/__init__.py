"""The `fullsend audit` group and its commands."""

from __future__ import annotations

import click

from fullsend.cli.lazy import Lazy, LazyGroup

COMMANDS = {"find": Lazy("fullsend.cli.audit.find:find", "Find which job held a token, in a mint's audit log.")}


@click.group(cls=LazyGroup, table=COMMANDS)
def audit() -> None:
    """Answer questions from a mint's audit log."""
