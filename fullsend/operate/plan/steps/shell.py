"""Steps written as shell commands: quoted, so that they can be pasted."""

from __future__ import annotations

import shlex


def gcloud(*words: str) -> str:
    """Return a gcloud command."""
    return shlex.join(("gcloud", *words))
