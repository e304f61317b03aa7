"""actionlint, which checks what GitHub's schema cannot: expressions, contexts, events, inputs and shells."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ACTIONLINT = shutil.which("actionlint", path=Path(sys.executable).parent)
NO_ACTIONLINT = "actionlint has no package for this kind of machine"
# A GitHub Enterprise Server without the key `cache-mode` rejects a workflow that has it.
IGNORED = "has no explicit cache access limit"


def findings(paths: Iterable[Path]) -> str:
    """Return what actionlint finds in workflow files; empty if nothing is wrong."""
    done = subprocess.run(
        # A shellcheck on PATH would make the findings depend on the machine.
        [str(ACTIONLINT), "-no-color", "-shellcheck=", "-pyflakes=", "-ignore", IGNORED, *map(str, paths)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr if done.returncode else ""
