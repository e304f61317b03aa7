"""Write files with secrets, which only their owner can read; a failed write leaves no partial file."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from fullsend.failure import BadInput, Failure

if TYPE_CHECKING:
    from pathlib import Path


_WRITABLE = "Choose a file in a directory you may write to."
_FILE = "Name a new file in an existing folder, or a regular file to be replaced."


def require_regular_file(path: Path) -> None:
    """Raise BadInput for a path that is not a regular file or has no folder. Call it before minting.

    Attack: the file is replaced, not written into. So root would replace a device, a pipe or a link by a file, and
    its reader would never get the token.
    """
    try:
        mode = path.lstat().st_mode
    except OSError:
        if not os.path.isdir(path.parent):  # noqa: PTH112 - Path.is_dir fails where it may not look
            raise BadInput(f"{path} cannot be written: the folder {path.parent} does not exist.", _FILE) from None
        return  # the file does not exist yet, or the write will report the problem
    if not stat.S_ISREG(mode):
        what = "a symbolic link" if stat.S_ISLNK(mode) else "not a regular file"
        raise BadInput(f"{path} is {what}.", _FILE)


def require_writable(path: Path) -> None:
    """Make the file's folder, and raise BadInput if no file can be written there. To be called before minting."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        beside.unlink()
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror or error}.", _WRITABLE) from error
    require_regular_file(path)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, and replace an existing file. Raises Failure.

    Attack: an existing file keeps its mode, and a link may lead to a place that others can read. So a new file is
    created with mode 0600 and then renamed.
    """
    require_regular_file(path)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            beside.replace(path)
        finally:
            with suppress(OSError):  # it is gone if it was renamed
                beside.unlink()
    except OSError as error:
        raise Failure(
            f"{path} cannot be written: {error.strerror or error}.",
            _WRITABLE,
        ) from error
