"""What holds for a whole run of the command line: no error shows a secret, and a lost result is a failure.

Mixed into the commands that a process starts with. Decides nothing about any one command.
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO, cast

import click

from fullsend.cli.output import CommandError, without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator


class Outermost(click.Command):
    """A command that a process starts with."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run as the process: what stdout does not take ends the command with one sentence."""
        with stdout_explained():
            return super().__call__(*args, **kwargs)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Read the arguments; what is wrong with them is said without the secrets among them."""
        with errors_redacted():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, the arguments of commands below this one included."""
        with errors_redacted(), ended_by_ctrl_c():
            return super().invoke(ctx)


@contextmanager
def errors_redacted() -> Iterator[None]:
    """Show an error, click's own too, without the tokens that an argument brought into it, and exit.

    Attack: whoever confuses a token with the file or the name it belongs to would find it in the job's log.
    """
    try:
        yield
    except click.ClickException as error:
        text = io.StringIO()
        error.show(text)
        click.echo(without_secrets(text.getvalue()), nl=False, err=True)
        raise click.exceptions.Exit(error.exit_code) from error


@contextmanager
def ended_by_ctrl_c() -> Iterator[None]:
    """End with the status that a shell gives to what SIGINT ended; click alone would make it 1, a failure."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo("\nInterrupted.", err=True)
        raise click.exceptions.Exit(128 + signal.SIGINT) from None


@contextmanager
def stdout_explained() -> Iterator[None]:
    """Watch stdout while a command runs.

    Python has no stream at all where stdout is closed, and printing would go nowhere without a word: then a
    stream that refuses every write takes its place.
    """
    before = sys.stdout
    stream = _Stdout(before or os.fdopen(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8"))
    watched = cast("TextIO", stream)
    sys.stdout = watched
    try:
        yield
    finally:
        # After a failure it stays, and so does what click puts there for a closed pipe: the interpreter
        # flushes stdout once more when it ends, and would complain again.
        if sys.stdout is watched and not stream.failed:
            sys.stdout = before


class _Stdout:
    """A text stream whose failures are `CommandError`; a closed pipe is left to click, which is quiet about it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.failed = False

    def write(self, text: str) -> int:
        with self._explained():
            return self._stream.write(text)

    def flush(self) -> None:
        if self.failed:
            return
        with self._explained():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            self.failed = True
            raise CommandError(f"standard output cannot be written: {error.strerror or error}.") from error
