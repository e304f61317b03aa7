"""The Makefile's targets that start the sandbox: which options they pass on."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("target", ["serve", "cloud"])
def test_issuers_of_make_become_options(target: str) -> None:
    # -o: the environment counts as made; -n: nothing runs.
    words = ["make", "-n", "-o", ".venv/ready", target, "ISSUERS=gitlab kubernetes"]
    shown = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=30, check=True).stdout
    assert f"fullsend sandbox {target}" in shown
    assert "--issuer gitlab --issuer kubernetes" in shown
