"""Define the type of options and arguments that name a file to read as a stream of bytes."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import click

from fullsend.input_file import check_input_file

if TYPE_CHECKING:
    import os


class InputFile(click.File):
    """A file to read, `-` for stdin; a named pipe without a writer is refused, not waited for."""

    def __init__(self) -> None:
        super().__init__("rb")

    def convert(
        self, value: str | os.PathLike[str] | IO[Any], param: click.Parameter | None, ctx: click.Context | None
    ) -> IO[Any]:
        """Open the file; another kind of file is a usage error."""
        if isinstance(value, str) and value != "-":
            try:
                check_input_file(value)
            except OSError as error:
                self.fail(f"'{click.format_filename(value)}': {error.strerror}", param, ctx)
        return super().convert(value, param, ctx)
