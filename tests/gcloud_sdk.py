"""The Google Cloud SDK on this machine: its code, run by its own Python, as the reference for what we upload."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_INNER = re.compile(r"\$\((gcloud [^()]*(?:\([^()]*\)[^()]*)*)\)")
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


PARSE = """
import contextlib, io, json
from googlecloudsdk import gcloud_main
parser = gcloud_main.CreateCLI([])._CLI__parser
wrong = []
for words in json.load(sys.stdin):
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            parser.parse_args(words[1:])
    except SystemExit as ended:
        if ended.code:
            wrong.append(words)
    except Exception as error:
        wrong.append([*words, repr(error)])
print(json.dumps(wrong))
"""


def usage_errors(commands: Iterable[Sequence[str]], config: Path) -> list[list[str]]:
    """Return the commands that gcloud's own parser refuses, all parsed in one process."""
    wrong: list[list[str]] = json.loads(
        run_in_sdk(PARSE, config=config, standard_input=json.dumps([list(words) for words in commands]))
    )
    return wrong


def commands_in(script: str) -> list[list[str]]:
    """Return the words of every gcloud command in shell text, those inside $(…) too."""
    found: list[list[str]] = []
    for line in script.replace("\\\n", " ").splitlines():
        if "gcloud" not in line:
            continue  # it may be within a text over several lines, which is not for this lexer
        found += [words for inner in _INNER.findall(line) for words in commands_in(inner)]
        lexer = shlex.shlex(_INNER.sub("INNER", line), posix=True, punctuation_chars="|;&()")
        lexer.whitespace_split = True
        command: list[str] | None = None
        before = ""
        for word in lexer:
            before, after = word, before
            if word == "gcloud" and command is None and after != "make":
                command = [word]
                found.append(command)
            elif set(word) <= set("|;&()"):
                command = None
            elif command is not None:
                command.append(word)
    return found
