"""Apply rules to a whole run of the command line: errors never show a secret, and lost output is a failure.

The top-level commands inherit from :class:`TopLevelCommand`.
"""

from __future__ import annotations

import errno
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO, cast

import click

from fullsend.cli.interruption import exit_status
from fullsend.cli.lazy import COMMAND
from fullsend.cli.output import FAILED, USAGE, CommandError, error_text
from fullsend.failure import BadInput, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator


class TopLevelCommand(click.Command):
    """A top-level command: the process runs it first."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command as the process; a failed write to stdout ends it with one sentence and a fix."""
        with stdout_explained():
            return super().__call__(*args, **kwargs)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Read the arguments; an error about them shows no secret among them."""
        with errors_redacted():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; errors about a subcommand's arguments are covered too."""
        with errors_redacted(ctx), ended_by_ctrl_c():
            return super().invoke(ctx)


@contextmanager
def errors_redacted(context: click.Context | None = None) -> Iterator[None]:
    """Print an error, also click's own, in the common form of errors, and exit.

    A usage error without a remedy gets the command that shows the usage.

    Attack: without masking, a token that was given instead of a file or a name would appear in the job's log.
    """
    try:
        yield
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        raise click.exceptions.Exit(error.exit_code) from error
    except CommandError as error:
        if error.exit_code == USAGE:
            error.remedy = error.remedy or _usage(context)
        error.show()
        raise click.exceptions.Exit(error.exit_code) from error
    except Failure as error:
        nothing_was_sent = isinstance(error, BadInput) or getattr(error, "nothing_was_sent", False)
        remedy = error.remedy or (_usage(context) if nothing_was_sent else "")
        click.echo(error_text(error.message, remedy, error.code), err=True)
        raise click.exceptions.Exit(USAGE if nothing_was_sent else FAILED) from error
    except click.ClickException as error:
        click.echo(error_text(error.format_message(), _remedy(error, context)), err=True)
        raise click.exceptions.Exit(error.exit_code) from error


def _remedy(error: click.ClickException, context: click.Context | None) -> str:
    """Return the error's own remedy, which the sandbox's errors have, or the command that shows the usage."""
    own = getattr(error, "remedy", "")
    if own or not isinstance(error, click.UsageError):
        return str(own)
    return _usage(context) if error.ctx is None else f"{error.ctx.command_path} --help shows the usage"


def _usage(context: click.Context | None) -> str:
    return "" if context is None else f"{context.meta.get(COMMAND, context.command_path)} --help shows the usage"


@contextmanager
def ended_by_ctrl_c() -> Iterator[None]:
    """End with a shell's exit status for the signal; click's status would be 1, a failure."""
    try:
        yield
    except KeyboardInterrupt as error:
        click.echo("\nInterrupted.", err=True)
        raise click.exceptions.Exit(exit_status(error)) from None


@contextmanager
def stdout_explained() -> Iterator[None]:
    """Watch stdout while a command runs.

    If stdout is closed, Python has no stream and drops output silently. Then a stream that refuses every write
    replaces it.
    """
    before = sys.stdout
    stream = _Stdout(before or os.fdopen(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8"))
    watched = cast("TextIO", stream)
    sys.stdout = watched
    try:
        yield
    finally:
        # After a failure or a closed pipe the replacement stays: the interpreter flushes stdout once more at its
        # end, and would report the failure again.
        if sys.stdout is watched and not stream.failed:
            sys.stdout = before


class _Stdout:
    """A text stream that raises `CommandError` for failures; click handles a closed pipe silently."""

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
            raise CommandError(
                f"standard output cannot be written: {error.strerror or error}.",
                "send it to a terminal, a pipe, or a file on a disk with free space",
            ) from error
