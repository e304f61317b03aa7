"""The commands of a job, and two answers of GitHub that tests repeat."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

UNKNOWN = '{"message": "Bad credentials"}'
FORBIDDEN = '{"message": "Resource not accessible by integration"}'
Run = Callable[..., subprocess.CompletedProcess[str]]
FULLSEND = str(Path(sys.executable).parent / "fullsend")


def script(body: str) -> list[str]:
    return ["exec", "--role", "triage", "--repos", "app", "--", "sh", "-c", body]
