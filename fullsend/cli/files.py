"""Write to the files that a GitHub Actions runner reads after a step."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from fullsend.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


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
        raise Failure(f"{path} cannot be written: {error.strerror or error}.") from error
