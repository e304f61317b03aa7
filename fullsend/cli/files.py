"""Files with secrets in them: made private, whole or not at all."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from fullsend.cli.output import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, replacing what was there. Raises `CommandError`.

    Attack: writing into an existing file, or through a link, would keep that file's mode or follow the link
    to a place others can read. So a new file is made with 0600 and then renamed into place.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            beside.replace(path)
        except BaseException:
            with suppress(OSError):
                beside.unlink()
            raise
    except OSError as error:
        raise CommandError(
            f"{path} cannot be written: {error.strerror or error}.",
            "Choose a file in a directory you may write to.",
        ) from error


def append_output(path: Path, values: Mapping[str, str]) -> None:
    """Append to a GitHub Actions file such as $GITHUB_OUTPUT. Raises `CommandError`.

    Each value sits between delimiters that cannot be guessed, so none of them can add a line of its own.
    """
    lines = []
    for name, value in values.items():
        delimiter = f"fullsend_{secrets.token_hex(16)}"
        lines += [f"{name}<<{delimiter}", value, delimiter]
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror or error}.") from error
