"""How every command talks: results to stdout, everything else to stderr, and the exit statuses.

Decides the shape of output; never what is in it. Keep tokens, keys and JWTs away from these functions: only
errors are masked, because an argument that holds one by mistake ends up in them.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

FAILED = 1
USAGE = 2
NOT_HEALTHY = 3
"""It works, but something is not as it should be (status, doctor)."""
PLAIN_WIDTH = 200
"""The width of a table where neither a terminal nor COLUMNS says one, so that names stay whole for others."""
COLUMN_BORDER = 3
"""What a column of a table takes besides its text."""
MIN_COLUMN = 16
"""The narrowest column whose text may be broken anywhere."""

json_option: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as JSON."
)
dry_run_option: Callable[[Any], Any] = click.option(
    "--dry-run", is_flag=True, help="Print what would be done and change nothing."
)
yes_option: Callable[[Any], Any] = click.option("--yes", is_flag=True, help="Do not ask; for scripts.")


class CommandError(click.ClickException):
    """A command failed: one sentence that says what happened, optionally what to change. Exit status 1."""

    exit_code = FAILED

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy

    def show(self, file: IO[Any] | None = None) -> None:
        """Print `error: …` and the remedy to stderr."""
        click.echo(encodable(f"error: {without_secrets(self.message)}"), file=file, err=True)
        if self.remedy:
            click.echo(encodable(f"\n{without_secrets(self.remedy)}"), file=file, err=True)


class BadUsage(CommandError):
    """What was asked for cannot be done as it was asked; nothing was changed. Exit status 2."""

    exit_code = USAGE


class Interrupted(CommandError):
    """Ctrl-C ended it, and what is done by then has to be said. Exit status as a shell gives it to SIGINT."""

    exit_code = 128 + signal.SIGINT


def without_secrets(text: str) -> str:
    """Return a text without anything that looks like a token, a JWT or a private key."""
    from mintcore.secret import redact  # noqa: PLC0415 - only a failure needs it

    return redact(text)


def note(message: str) -> None:
    """Say something that is not the result, on stderr."""
    click.echo(encodable(message), err=True)


def encodable(text: str) -> str:
    r"""Return a text with lone surrogates as `\udXXX`, which no stream takes and JSON from outside may hold."""
    return text.encode("utf-8", "backslashreplace").decode()


def print_json(result: object) -> None:
    """Print a result as indented JSON on stdout."""
    # What stands for a lone surrogate is its escape sequence in JSON, too: whoever reads it gets the same value.
    click.echo(encodable(json.dumps(result, indent=2, ensure_ascii=False)))


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    whole: Collection[str] = (),
    title: str | None = None,
) -> None:
    """Print a table; cells are plain text, so brackets in them are not read as markup.

    The columns in `whole` are never broken: where they do not fit, each row is some lines of its own.
    """
    rows = [[encodable(cell) for cell in row] for row in rows]
    from rich.console import Console  # noqa: PLC0415 - rich is slow to import and most commands do without
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    # NO_COLOR is about colors alone to rich; whoever sets it wants to see no escape sequences.
    console = Console(width=_width(), color_system=None if os.environ.get("NO_COLOR") else "auto")
    least = [_longest(columns, rows, at) if name in whole else MIN_COLUMN for at, name in enumerate(columns)]
    if whole and sum(least) + COLUMN_BORDER * len(columns) + 1 > console.width:
        _print_records(columns, rows, title)
        return
    table = Table(title=title, title_justify="left")
    for name in columns:
        # Cut off, a name or an address is worth nothing.
        table.add_column(name, overflow="fold", no_wrap=name in whole)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def _width() -> int | None:
    """Return how wide a table may be; None where rich finds out, from COLUMNS or the terminal."""
    said = os.environ.get("COLUMNS", "").lstrip("0").isdecimal()
    return None if said or sys.stdout.isatty() else PLAIN_WIDTH


def _longest(columns: Sequence[str], rows: Sequence[Sequence[str]], at: int) -> int:
    from rich.cells import cell_len  # noqa: PLC0415

    return max(cell_len(text) for text in (columns[at], *(row[at] for row in rows)))


def _print_records(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str | None) -> None:
    if title:
        click.echo(title)
    label = max(len(name) for name in columns) + 2
    records = ["\n".join(f"{name:<{label}}{cell}" for name, cell in zip(columns, row, strict=True)) for row in rows]
    click.echo("\n\n".join(records))


@contextmanager
def progress(message: str) -> Iterator[None]:
    """Show on stderr that something takes a while: a spinner on a terminal, one plain line otherwise."""
    if not sys.stderr.isatty():
        note(message)
        yield
        return
    from rich.console import Console  # noqa: PLC0415

    with Console(stderr=True).status(message):
        yield


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something is removed.

    Raises `CommandError` when the answer is no, `BadUsage` when there is nobody to ask and `--yes` was not given.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise BadUsage(f"{question} There is no terminal to answer on.", "Add --yes to do it without being asked.")
    if not click.confirm(question, err=True):
        raise CommandError("Nothing was changed.")
