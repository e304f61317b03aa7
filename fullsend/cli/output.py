"""How every command talks: results to stdout, everything else to stderr, and the exit statuses.

Decides the shape of output; never what is in it. Keep tokens, keys and JWTs away from these functions: only
errors are masked, because an argument that holds one by mistake ends up in them.
"""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

DONE = 0
FAILED = 1
USAGE = 2
NOT_HEALTHY = 3
"""It works, but something is not as it should be (status, doctor)."""
PLAIN_WIDTH = 200
"""The width of a table where there is no terminal to fit, so that names stay whole for other programs."""

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
        click.echo(f"error: {without_secrets(self.message)}", file=file, err=True)
        if self.remedy:
            click.echo(f"\n{without_secrets(self.remedy)}", file=file, err=True)


class BadUsage(CommandError):
    """What was asked for cannot be done as it was asked; nothing was changed. Exit status 2."""

    exit_code = USAGE


def without_secrets(text: str) -> str:
    """Return a text without anything that looks like a token, a JWT or a private key."""
    from mintcore.audit import redact  # noqa: PLC0415 - only a failure needs it

    return redact(text)


def note(message: str) -> None:
    """Say something that is not the result, on stderr."""
    click.echo(message, err=True)


def print_json(result: object) -> None:
    """Print a result as indented JSON on stdout."""
    click.echo(json.dumps(result, indent=2, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, title: str | None = None) -> None:
    """Print a table on stdout; cells are plain text, so brackets in them are not read as markup."""
    from rich.console import Console  # noqa: PLC0415 - rich is slow to import and most commands do without
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")  # cut off, a name or an address is worth nothing
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH).print(table)


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
