"""Read a file that an option or a variable names, without waiting on a pipe that has no writer."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from mintcore.keys.regular_file import read_regular_file, regular_file

if TYPE_CHECKING:
    from pathlib import Path

# The shell opens these for the command: --pem <(vault read ...) and --pem /dev/stdin.
_OPEN_ALREADY = re.compile(r"/dev/stdin|(?:/dev|/proc/self)/fd/[0-9]+")


def check_input_file(path: str | Path) -> None:
    """Raise OSError as `read_input_file` does, for a file that a library opens afterwards."""
    if not _OPEN_ALREADY.fullmatch(os.fspath(path)):
        with regular_file(path):
            pass


def read_input_file(path: Path, max_bytes: int) -> bytes:
    """Return at most ``max_bytes`` from the file's start.

    Raises OSError, also for a named pipe, a device or a socket that the shell did not open for this command.
    """
    if not _OPEN_ALREADY.fullmatch(os.fspath(path)):
        return read_regular_file(path, max_bytes)
    with path.open("rb") as file:
        return file.read(max_bytes)
