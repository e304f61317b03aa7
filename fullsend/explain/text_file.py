"""Read a small text file that a user named, or stdin."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from fullsend.explain.input_errors import UnreadableFileError, UnusableInputError
from fullsend.input_file import read_input_file
from mintcore.secret import redact

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 1024 * 1024
_REMEDY = "Give the file, not the token itself: every process on a machine can read the arguments of every other."


def read_text(path: Path) -> str:
    """Return the file's text; ``-`` is stdin. Raises UnreadableFileError, UnusableInputError."""
    try:
        size = MAX_BYTES + 1
        content = sys.stdin.buffer.read(size) if str(path) == "-" else read_input_file(path, size)
    except OSError as error:
        if redact(str(path)) != str(path):
            raise UnreadableFileError("A token was given instead of a file.", _REMEDY) from None
        raise UnreadableFileError(f"{path} cannot be read: {error.strerror or type(error).__name__}.") from None
    if len(content) > MAX_BYTES:
        raise UnusableInputError(f"{path} is larger than 1 MiB, so it is probably the wrong file.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnusableInputError(f"{path} is not text in UTF-8.") from None
