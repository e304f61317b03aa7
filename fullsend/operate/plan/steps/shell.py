"""Write steps as a shell script: quoted, without prompts, and stopped by the first failure."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

RETRY = "retry "
"""The prefix of a line that uses a service account which IAM may not know yet."""
_HEADER = """\
#!/usr/bin/env bash
# Run with bash, after: gcloud auth login
set -euo pipefail"""
_RETRY = """\
retry() { # a new service account takes up to a minute to be visible everywhere
  for pause in 2 4 8 16 32; do
    if "$@"; then return; fi
    sleep "$pause"
  done
  "$@"
}"""


def gcloud(*words: str) -> str:
    """Return a gcloud command. `--quiet`: gcloud reads answers from stdin, which may be the script itself."""
    return shlex.join(("gcloud", *words, "--quiet"))


def script(lines: Sequence[str]) -> str:
    """Return the whole script."""
    retries = any(line.startswith(RETRY) for line in lines)
    return "\n".join([_HEADER, *([_RETRY] if retries else []), *lines])
