"""The completion scripts are what click makes of the command line, and a shell completes with them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "completion"
BIN = Path(sys.executable).parent
CHECKS = {"bash": ["-n"], "zsh": ["-n"], "fish": ["--no-execute"]}


def test_the_scripts_are_up_to_date() -> None:
    checked = subprocess.run(
        [sys.executable, "scripts/docs/completion.py", "--check"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("shell", CHECKS)
def test_a_script_is_one_that_its_shell_parses(shell: str) -> None:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    (script,) = (FOLDER / shell).iterdir()
    done = subprocess.run([found, *CHECKS[shell], str(script)], capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("fullsend mi", "mint"),
        ("fullsend mint import", "import-key"),
        ("fullsend github create-app --pro", "--project"),
    ],
)
def test_bash_completes_a_line_with_the_script(line: str, completed: str) -> None:
    words = line.split()
    script = (
        f"source {FOLDER / 'bash' / 'fullsend'}\n"
        f"COMP_WORDS=({line}) COMP_CWORD={len(words) - 1}\n"
        f"_fullsend_completion fullsend {words[-1]} {words[-2]}\n"
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", script],
        env={"PATH": f"{BIN}:{os.environ['PATH']}"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout.split() == [completed], done.stderr
