"""How the sandbox's commands print: results on stdout, everything else on stderr.

The sandbox shares no code with the command line that starts it, so it can be installed and read separately.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FAILED = 1

json_option: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as JSON."
)


class CommandError(click.ClickException):
    """A command failed: what happened, and optionally what to change. Exit status 1."""

    exit_code = FAILED

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the error and its remedy to stderr."""
        click.echo(f"error: {self.message}", file=file, err=True)
        if self.remedy:
            click.echo(f"\n{self.remedy}", file=file, err=True)


def note(message: str) -> None:
    """Print a message that is not the result, on stderr."""
    click.echo(message, err=True)


def print_json(result: object) -> None:
    """Print a result as indented JSON on stdout."""
    click.echo(json.dumps(result, indent=2, ensure_ascii=False))


@contextmanager
def progress(message: str) -> Iterator[None]:
    """Show on stderr that something takes a while: a spinner on a terminal, one plain line otherwise."""
    if not sys.stderr.isatty():
        note(message)
        yield
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import, and only a terminal needs it

    with Console(stderr=True).status(message):
        yield


def write_private(path: Path, text: str) -> None:
    """Write a new file that only its owner can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
