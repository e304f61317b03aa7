"""The placeholder for a commit of the action, until a release exists whose commit documents could name."""

from __future__ import annotations

COMMIT = "COMMIT"
UNREVIEWED = "# replace COMMIT with the full SHA you reviewed"


def with_a_commit(text: str) -> str:
    """Return the text as a reader would complete it, so that linters see a pinned action."""
    return text.replace(f"@{COMMIT} {UNREVIEWED}", f"@{'0' * 40} # v0.0.0")
