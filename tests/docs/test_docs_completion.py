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


# A shell behind a terminal of its own gets the line and a Tab, and shows what it completed.
TYPED = """
zmodload zsh/zpty
zpty shell "zsh -f -i"
zpty -w shell "PS1=; fpath=($1 \\$fpath); autoload -Uz compinit; compinit -D -u; print -r -- REA''DY"
zpty -r -m shell seen "*READY*"
zpty -w -n shell "$2"$'\\t'
zpty -r -m shell seen "*$3*" && print -r -- "$3"
zpty -d shell
"""


def completed_by(home: Path, shell: str, *arguments: str) -> str:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run(
        [found, *arguments],
        env={"PATH": f"{BIN}:{os.environ['PATH']}", "TERM": "dumb", "HOME": str(home)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.stdout


def test_zsh_completes_a_line_that_is_typed(tmp_path: Path) -> None:
    typed = completed_by(
        tmp_path, "zsh", "-f", "-c", TYPED, "zsh", str(FOLDER / "zsh"), "fullsend mint import", "import-key"
    )
    assert typed.split() == ["import-key"]


def test_fish_completes_a_line_and_describes_it(tmp_path: Path) -> None:
    script = FOLDER / "fish" / "fullsend.fish"
    shown = completed_by(
        tmp_path, "fish", "--no-config", "-c", f"source {script}; complete -C 'fullsend mint import'"
    )
    assert shown.split("\t")[0] == "import-key"
    assert "Move a role's App key" in shown
