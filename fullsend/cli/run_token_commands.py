"""`fullsend run-token`; `fullsend.run_token.command_line` is its command line."""

from __future__ import annotations

import sys

import click

from fullsend.cli.process import TopLevelCommand
from fullsend.run_token.command_line import run


@click.command(
    cls=TopLevelCommand,
    name="run-token",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def run_token(words: tuple[str, ...]) -> None:
    """Make and revoke tokens for one run directly with a GitHub App's key."""
    sys.exit(run(words, "fullsend run-token"))
