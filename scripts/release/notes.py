"""Print one version's section of CHANGELOG.md: the notes of its release."""

from __future__ import annotations

import re
import sys
from pathlib import Path

CHANGELOG = Path(__file__).resolve().parents[2] / "CHANGELOG.md"


def notes(changelog: str, version: str) -> str:
    """Return the text below the version's heading. Raises ValueError without a section or with an empty one."""
    heading = rf"^## \[{re.escape(version)}\](?: - \d{{4}}-\d\d-\d\d)?\n(.*?)(?=^## |\Z)"
    section = re.search(heading, changelog, flags=re.DOTALL | re.MULTILINE)
    if section is None or not section[1].strip():
        raise ValueError(f"CHANGELOG.md has no notes for {version}. Fix: add a section '## [{version}]'")
    return section[1].strip() + "\n"


def main() -> int:
    """Print the notes, or say what is missing."""
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program's name and the version
        sys.stderr.write("usage: notes.py VERSION\n")
        return 2
    try:
        sys.stdout.write(notes(CHANGELOG.read_text(encoding="utf-8"), sys.argv[1]))
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
