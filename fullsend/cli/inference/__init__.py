"""The `fullsend inference` group: models on Google Cloud for workflows, without keys."""

from __future__ import annotations

import click

from fullsend.cli.lazy import Lazy, LazyGroup

COMMANDS = {
    "provision": Lazy("fullsend.cli.inference.commands:provision", "Let a target use models.", "operate"),
    "deprovision": Lazy("fullsend.cli.inference.commands:deprovision", "Take that away again.", "operate"),
    "status": Lazy("fullsend.cli.inference.commands:status", "Show whether a target may use models.", "operate"),
}


@click.group(cls=LazyGroup, table=COMMANDS)
def inference() -> None:
    """Let workflows use models on Google Cloud without keys."""
