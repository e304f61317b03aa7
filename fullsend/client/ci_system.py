"""Find the CI system that this process runs in, and call its programs.

Each system sets its own variables in every job. `identity.py` and `other_ci.py` get the token.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from enum import StrEnum
from typing import TYPE_CHECKING

from fullsend.net.answer import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TOKEN_FILE = "FULLSEND_ID_TOKEN_FILE"  # noqa: S105 - a variable's name
MAX_WORD = 80
_COLOR = re.compile(r"\x1b\[[0-9;]*m")


class CISystem(StrEnum):
    """A CI system whose jobs have OIDC tokens, by its name in messages."""

    ACTIONS = "GitHub Actions"
    GITLAB = "GitLab CI"
    BUILDKITE = "Buildkite"
    CIRCLECI = "CircleCI"
    KUBERNETES = "Kubernetes"


_VARIABLES = {
    "GITHUB_ACTIONS": CISystem.ACTIONS,
    "GITLAB_CI": CISystem.GITLAB,
    "BUILDKITE": CISystem.BUILDKITE,
    "CIRCLECI": CISystem.CIRCLECI,
}


def ci_system(environ: Mapping[str, str]) -> CISystem | None:
    """Return the CI system whose job has this environment: each sets its own variable to `true`."""
    for name, system in _VARIABLES.items():
        if environ.get(name, "").lower() == "true":
            return system
    # Last, because jobs of other systems often run in pods too.
    is_pod = environ.get(TOKEN_FILE) or environ.get("KUBERNETES_SERVICE_HOST")
    return CISystem.KUBERNETES if is_pod else None


class AgentError(Exception):
    """A CI system's program was not found or failed; `ran` tells whether it started."""

    def __init__(self, reason: str, *, ran: bool) -> None:
        super().__init__(reason)
        self.ran = ran


def run_agent(command: Sequence[str], environ: Mapping[str, str], *, seconds: float, stdin: str = "") -> str:
    """Run a CI system's own program and return what it prints. Raises `AgentError`.

    A secret goes in through `stdin`: other processes can read the arguments.
    """
    program = shutil.which(command[0], path=environ.get("PATH"))
    if program is None:
        raise AgentError(f"{command[0]} was not found on PATH", ran=False)
    try:
        done = subprocess.run(  # noqa: S603 - the CI system's own agent
            [program, *command[1:]],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
            input=stdin,
            env=dict(environ),
        )
    except subprocess.TimeoutExpired:
        raise AgentError(f"{command[0]} did not answer in {seconds:g} s", ran=True) from None
    except OSError as error:
        raise AgentError(f"{command[0]} cannot be run ({error.strerror})", ran=False) from error
    if done.returncode:
        raise AgentError(f"{command[0]} ended with status {done.returncode}{_last_words(done.stderr)}", ran=True)
    return done.stdout.strip()


def _last_words(stderr: str) -> str:
    """Return the last line without words that could be a token."""
    lines = [line for line in _COLOR.sub("", stderr).splitlines() if line.strip()]
    reason = " ".join(word for word in one_line(lines[-1]).split() if len(word) <= MAX_WORD) if lines else ""
    return f": {one_line(reason, limit=200)}" if reason else ""
