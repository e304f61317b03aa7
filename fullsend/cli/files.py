"""Write to the files that a GitHub Actions runner reads after a step."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from fullsend.failure import BadInput, Failure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def require_writable(variable: str, path: Path) -> None:
    """Check before a token is made that the runner's file can be written. Raises `BadInput`."""
    try:
        path.open("a").close()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise BadInput(
            f"{variable} names a file that cannot be written: {path}: {why}.",
            f"Do not set {variable}: the runner sets it for each step. If the runner set it, check its disk.",
        ) from error


def append_output(path: Path, values: Mapping[str, str]) -> None:
    """Append to a GitHub Actions file such as $GITHUB_OUTPUT. Raises Failure.

    Each value sits between delimiters that cannot be guessed, so no value can add a line.
    """
    lines = []
    for name, value in values.items():
        delimiter = f"fullsend_{secrets.token_hex(16)}"
        lines += [f"{name}<<{delimiter}", value, delimiter]
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    except OSError as error:
        why = f"{path} cannot be written: {error.strerror or error}."
        raise Failure(why, "Check the disk and the rights of the file, then run the job again.") from error
