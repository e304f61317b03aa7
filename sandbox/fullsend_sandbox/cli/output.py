"""Print for the sandbox's commands: results on stdout, everything else on stderr.

The sandbox shares no code with the command line that starts it, so it can be installed separately.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

FAILED = 1
PLAIN_WIDTH = 120
"""The width of a table without a terminal and without COLUMNS."""
NARROW = 60
"""At this width or less a table is unreadable."""
UNNAMED = "result"
"""The name, in a record, of the column that has no name in a table."""
COLORS = {"ok": "green", "WRONG": "bold red"}
"""A color only repeats a word's meaning."""

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
            click.echo(f"Fix: {self.remedy}", file=file, err=True)


def note(message: str) -> None:
    """Print a message that is not the result, on stderr."""
    click.echo(message, err=True)


def print_json(result: object) -> None:
    """Print a result as indented JSON on stdout."""
    click.echo(json.dumps(result, indent=2, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, whole: Collection[str]) -> None:
    """Print a table whose columns in `whole` are not broken; in up to `NARROW` columns, a record for each row."""
    from rich.console import Console  # noqa: PLC0415 - slow to import, and most commands print no table
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    given = os.environ.get("COLUMNS", "").lstrip("0").isdecimal()
    # Without a terminal and COLUMNS, rich would use 80. For rich, NO_COLOR concerns only colors.
    console = Console(
        width=None if given or sys.stdout.isatty() else PLAIN_WIDTH,
        color_system=None if os.environ.get("NO_COLOR") else "auto",
    )
    if console.width <= NARROW:
        labels = [name or UNNAMED for name in columns]
        label = max(map(len, labels)) + 2
        for number, row in enumerate(rows):
            click.echo("\n" if number else "", nl=False)
            for name, cell in zip(labels, row, strict=True):
                indented = cell.replace("\n", "\n" + " " * label)
                console.print(Text(f"{name:<{label}}").append(indented, COLORS.get(cell, "")), soft_wrap=True)
        return
    table = Table()
    for name in columns:
        table.add_column(name, overflow="fold", no_wrap=name in whole, justify="right" if name == "ms" else "left")
    for row in rows:
        table.add_row(*(Text(cell, COLORS.get(cell, "")) for cell in row))
    console.print(table)


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
