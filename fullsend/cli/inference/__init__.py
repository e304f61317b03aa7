"""The `fullsend inference` group: let workflows use models on Google Cloud without keys."""

from __future__ import annotations

import click

from fullsend.cli.lazy import Lazy, LazyGroup

COMMANDS = {
    "provision": Lazy("fullsend.cli.inference.commands:provision", "Allow a target to use models.", "operate"),
    "deprovision": Lazy("fullsend.cli.inference.commands:deprovision", "Revoke the use of models.", "operate"),
    "status": Lazy("fullsend.cli.inference.commands:status", "Show whether a target can use models.", "operate"),
}


@click.group(cls=LazyGroup, table=COMMANDS)
def inference() -> None:
    """Let workflows use models on Google Cloud without keys."""
