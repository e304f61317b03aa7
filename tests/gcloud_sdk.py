"""The Google Cloud SDK on this machine: its code, run by its own Python, as the reference for what we upload."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_FOUND = shutil.which("gcloud")
SDK = Path(_FOUND).resolve().parent.parent if _FOUND else None
needs_gcloud = pytest.mark.skipif(SDK is None, reason="gcloud is not on PATH; see https://cloud.google.com/sdk")


def run_in_sdk(script: str, *arguments: str, config: Path, standard_input: str = "") -> str:
    """Run a script with gcloud's libraries importable, in one process; return what it prints."""
    assert SDK is not None
    bundled = SDK / "platform" / "bundledpythonunix" / "bin" / "python3"
    python = str(bundled) if bundled.exists() else sys.executable
    paths = f"import sys; sys.path[:0] = [{str(SDK / 'lib' / 'third_party')!r}, {str(SDK / 'lib')!r}]\n"
    done = subprocess.run(
        [python, "-S", "-c", paths + script, *arguments],
        env={"CLOUDSDK_CONFIG": str(config), "PATH": "/usr/bin:/bin"},
        input=standard_input,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
