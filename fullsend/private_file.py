"""Write files that hold secrets: readable by their owner only, and complete or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from fullsend.failure import BadInput, Failure

if TYPE_CHECKING:
    from pathlib import Path


_FILE = "Name a new file in an existing folder, or a regular file to be replaced."


def require_regular_file(path: Path) -> None:
    """Raise BadInput for a path that is not a regular file, or has no folder. To be called before minting.

    Attack: a file is replaced, not written into, so root would lose the device, the pipe or the link of that
    name, and its reader would wait for a token that went elsewhere.
    """
    try:
        mode = path.lstat().st_mode
    except OSError:
        if not os.path.isdir(path.parent):  # noqa: PTH112 - Path.is_dir fails where it may not look
            raise BadInput(f"{path} cannot be written: the folder {path.parent} does not exist.", _FILE) from None
        return  # there is nothing yet, or writing says what is wrong
    if not stat.S_ISREG(mode):
        what = "a symbolic link" if stat.S_ISLNK(mode) else "not a regular file"
        raise BadInput(f"{path} is {what}.", _FILE)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, replacing a file that was there. Raises Failure.

    Attack: writing into an existing file, or through a link, would keep that file's mode or follow the link
    to a place others can read. So a new file is made with 0600 and then renamed into place.
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
            "Choose a file in a directory you may write to.",
        ) from error
