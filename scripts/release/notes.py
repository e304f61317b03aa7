"""Print one version's section of CHANGELOG.md: the notes of its release.

usage: notes.py VERSION [BASE]    relative links lead nowhere beside a release; with BASE they begin with it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
UNRELEASED = "Unreleased"


def notes(changelog: str, version: str, base: str = "") -> str:
    """Return the text below the version's heading. Raises ValueError without a section or with an empty one."""
    heading = rf"^## \[{re.escape(version)}\](?: - \d{{4}}-\d\d-\d\d)?\n(.*?)(?=^## |\Z)"
    section = re.search(heading, changelog, flags=re.DOTALL | re.MULTILINE)
    if section is None or not section[1].strip():
        raise ValueError(f"CHANGELOG.md has no notes for {version}. Fix: add a section '## [{version}]'")
    text = section[1].strip() + "\n"
    return re.sub(r"\]\((?!https?:|#)([^)\s]+)\)", rf"]({base}/\1)", text) if base else text


def require_upgrade(upgrading: str, version: str) -> None:
    """Raise ValueError if docs/upgrading.md does not say what the version changes for operators and callers."""
    if version != UNRELEASED and not re.search(rf"^## To {re.escape(version)}$", upgrading, flags=re.MULTILINE):
        raise ValueError(f"docs/upgrading.md has nothing about {version}. Fix: add a section '## To {version}'")


def main() -> int:
    """Print the notes, or say what is missing."""
    if len(sys.argv) not in {2, 3}:
        sys.stderr.write("usage: notes.py VERSION [BASE]\n")
        return 2
    version, base = sys.argv[1], "".join(sys.argv[2:]).rstrip("/")
    try:
        text = notes((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), version, base)
        require_upgrade((ROOT / "docs" / "upgrading.md").read_text(encoding="utf-8"), version)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
