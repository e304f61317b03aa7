"""The `fullsend audit` group: which commands it has."""

from __future__ import annotations

import click

from fullsend.cli.lazy import Lazy, LazyGroup

COMMANDS = {"find": Lazy("fullsend.cli.audit.find:find", "Who held a token, from a mint's audit log.")}


@click.group(cls=LazyGroup, table=COMMANDS)
def audit() -> None:
    """Answer questions from a mint's audit log."""
