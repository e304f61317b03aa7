"""Show a token only as its kind's prefix, and as the hash that finds it in the audit log.

It also makes the CI system hide the token in the job's log, if the system can. GitHub: "Workflow commands";
Buildkite: "buildkite-agent redactor". GitLab CI masks only variables that it knows before the job starts; CircleCI
and Kubernetes mask nothing at run time.

Masking must not depend on a token's length or characters: a classic installation token is `ghs_` and 36 characters,
a stateless one about 520 with dots and dashes.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fullsend.client.ci_system import AgentError, CISystem, ci_system, run_agent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_KIND = re.compile(r"[a-z]{2,10}_")
_MIN_TO_SHOW_KIND = 20
_REDACTOR = ("buildkite-agent", "redactor", "add")
_REDACTOR_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class MaskingFailure:
    """Why the job's log may show a token; `failed`: the CI system could have hidden it."""

    sentence: str
    failed: bool = False


def mask_in_log(token: str, environ: Mapping[str, str], write: Callable[[str], object]) -> MaskingFailure | None:
    """Have the job's CI system hide a token in the log; `write` prints a line where a runner reads it.

    Return None if the system hides it from now on, or if this is not a CI job.
    """
    system = ci_system(environ)
    if system is None:
        return None
    if system == CISystem.ACTIONS:
        write(f"::add-mask::{token}")
        return None
    if system != CISystem.BUILDKITE:
        return MaskingFailure(f"{system} cannot hide the token in the job's log if something prints it.")
    try:
        # On stdin: every process on the machine can read the arguments.
        run_agent(_REDACTOR, environ, seconds=_REDACTOR_SECONDS, stdin=token)
    except AgentError as error:
        return MaskingFailure(f"Buildkite does not hide the token in the log: {error}.", failed=True)
    return None


def masked(token: str) -> str:
    """Return `ghs_***` if the token has a known prefix and is long enough, so the prefix reveals little of it."""
    kind = _KIND.match(token)
    shown = kind[0] if kind and len(token) >= _MIN_TO_SHOW_KIND else ""
    return f"{shown}***"


def audit_hash(token: str) -> str:
    """Return the base64 of the token's SHA-256, which GitHub's audit log holds as `hashed_token`."""
    return base64.b64encode(hashlib.sha256(token.encode()).digest()).decode()


def redact(text: str, token: str) -> str:
    """Replace every occurrence of a token in text."""
    return text.replace(token, masked(token)) if token else text
