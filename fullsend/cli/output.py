"""Print for every command: results on stdout, everything else on stderr. Defines the exit statuses.

Do not pass tokens, keys or JWTs to these functions. Only error texts are masked, because they can quote an argument
that is a secret by mistake.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import click

from fullsend.console import encodable, error_text, without_commands, without_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

__all__ = [
    "COLORS",
    "COLUMN_BORDER",
    "FAILED",
    "MIN_COLUMN",
    "NARROW",
    "NOT_HEALTHY",
    "PAIR",
    "PLAIN_WIDTH",
    "USAGE",
    "BadUsage",
    "CommandError",
    "EndedBySigterm",
    "Interrupted",
    "confirm",
    "dry_run_option",
    "encodable",
    "error_text",
    "json_option",
    "note",
    "print_json",
    "print_table",
    "progress",
    "without_commands",
    "without_secrets",
    "yes_option",
]
FAILED = 1
USAGE = 2
NOT_HEALTHY = 3
"""It works but is not healthy (status, doctor)."""
PLAIN_WIDTH = 200
"""The width of a table without a terminal and without COLUMNS: wide, so names are not cut for other programs."""
COLUMN_BORDER = 3
"""The characters that a column takes besides its text."""
MIN_COLUMN = 16
"""The narrowest column whose text may be broken anywhere."""
NARROW = 60
"""At this width or less a table is unreadable, so each row becomes several lines."""
PAIR = 2
UNNAMED = "result"
"""What a record calls the column that has no name in a table: the mark of the row."""
COLORS = {"yes": "green", "ok": "green", "no": "red", "NO": "bold red", "WRONG": "bold red", "!": "yellow"}
"""A color only repeats a word's meaning, so the output is complete without colors."""

json_option: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as JSON."
)
dry_run_option: Callable[[Any], Any] = click.option(
    "--dry-run", is_flag=True, help="Print what would be done and change nothing."
)
yes_option: Callable[[Any], Any] = click.option("--yes", is_flag=True, help="Do not ask; for scripts.")


class CommandError(click.ClickException):
    """A command failed: what happened, what to change, the stable code. Exit status 1."""

    exit_code = FAILED

    def __init__(self, message: str, remedy: str = "", *, code: str = "", request_id: str | None = None) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.code = code
        self.request_id = request_id

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the error to stderr."""
        request = f", request id {self.request_id}" if self.request_id else ""
        text = error_text(self.message, self.remedy, f"{self.code}{request}" if self.code else "")
        click.echo(text, file=file, err=True)


class BadUsage(CommandError):
    """The input or the environment cannot be used; nothing was sent or changed. Exit status 2."""

    exit_code = USAGE


class Interrupted(CommandError):
    """Ctrl-C ended the command; the message says what was done before. The exit status is a shell's for SIGINT."""

    exit_code = 128 + signal.SIGINT


class EndedBySigterm(Interrupted):
    """SIGTERM ended the command. The exit status is a shell's for SIGTERM."""

    exit_code = 128 + signal.SIGTERM


def note(message: str) -> None:
    """Print a note on stderr, which is not part of the result."""
    click.echo(without_commands(encodable(message)), err=True)


def print_json(result: object) -> None:
    """Print a result as indented JSON on stdout."""
    # Escaped without changing the value: lone surrogates, which streams refuse, and ##[, a command to a runner.
    click.echo(encodable(json.dumps(result, indent=2, ensure_ascii=False)).replace("##[", r"#\u0023["))


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    whole: Collection[str] = (),
    title: str | None = None,
    follows: bool = False,
) -> None:
    """Print a table; cells are plain text, so brackets in them are not read as markup.

    In up to `NARROW` columns each row becomes several lines. This also happens if the columns in `whole`, which are
    never broken, do not fit. With `follows`, an empty line separates these lines from the table before.
    """
    rows = [[without_commands(encodable(cell)) for cell in row] for row in rows]
    from rich.console import Console  # noqa: PLC0415 - rich is slow to import and most commands do without
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    # For rich, NO_COLOR concerns only colors; here it turns off all escape sequences.
    console = Console(width=_width(), color_system=None if os.environ.get("NO_COLOR") else "auto")
    least = [_longest(columns, rows, at) if name in whole else MIN_COLUMN for at, name in enumerate(columns)]
    if console.width <= NARROW or (whole and sum(least) + COLUMN_BORDER * len(columns) + 1 > console.width):
        if follows:
            click.echo()
        _print_records(columns, rows, title)
        return
    table = Table(title=title, title_justify="left")
    for name in columns:
        # A name or an address that is cut off is useless.
        table.add_column(name, overflow="fold", no_wrap=name in whole)
    for row in rows:
        table.add_row(*(Text(cell, style=COLORS.get(cell, "")) for cell in row))
    console.print(table)


def _width() -> int | None:
    """Return how wide a table may be, or None to let rich ask COLUMNS or the terminal."""
    given = os.environ.get("COLUMNS", "").lstrip("0").isdecimal()
    return None if given or sys.stdout.isatty() else PLAIN_WIDTH


def _longest(columns: Sequence[str], rows: Sequence[Sequence[str]], at: int) -> int:
    from rich.cells import cell_len  # noqa: PLC0415

    return max(cell_len(text) for text in (columns[at], *(row[at] for row in rows)))


def _print_records(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str | None) -> None:
    if title:
        click.echo(title)
    if len(columns) == PAIR:  # the first cell is the label
        label = max((len(row[0]) for row in rows), default=0) + 2
        click.echo("\n".join(f"{name:<{label}}{_colored(cell)}" for name, cell in rows))
        return
    labels = [name or UNNAMED for name in columns]
    width = max(len(name) for name in labels) + 2
    named = [zip(labels, row, strict=True) for row in rows]
    records = ["\n".join(f"{name:<{width}}{_colored(cell)}" for name, cell in record) for record in named]
    click.echo("\n\n".join(records))


def _colored(cell: str) -> str:
    """Return a cell in its color, which click takes away again where stdout is not a terminal."""
    bold, _, color = COLORS.get(cell, "").rpartition(" ")
    return (
        click.style(cell, fg=color, bold=bool(bold) or None) if color and not os.environ.get("NO_COLOR") else cell
    )


@contextmanager
def progress(message: str) -> Iterator[None]:
    """Show on stderr that a step is running: a spinner on a terminal, one plain line otherwise."""
    if not sys.stderr.isatty():
        note(message)
        yield
        return
    from rich.console import Console  # noqa: PLC0415

    with Console(stderr=True).status(message):
        yield


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something is removed.

    Raises `CommandError` when the answer is no, `BadUsage` without a terminal and without `--yes`.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise BadUsage(f"{question} Confirmation needed, but standard input is not a terminal.", "pass --yes")
    if not click.confirm(question, err=True):
        raise CommandError("Nothing was changed.")
