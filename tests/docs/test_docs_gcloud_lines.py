"""Every gcloud command that the project prints or documents is one that gcloud's own parser accepts."""

from __future__ import annotations

import ast
import re
import shlex
from typing import TYPE_CHECKING

import pytest

from fullsend.operate.model.names import MintLocation
from tests.conftest import ROOT
from tests.gcloud_sdk import commands_in, needs_gcloud, usage_errors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOURCES = [*ROOT.glob("fullsend/**/*.py"), *ROOT.glob("mintcore/**/*.py")]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
SCRIPTS = [*ROOT.glob("deploy/**/*.sh")]
FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(gcloud [^`]+)`")
MANY_WORDS = {"where", "location"}
"""Names of values in messages that are several options."""
SHELL = {
    "GOOGLE_CLOUD_PROJECT": "my-project",
    "project": "my-project",
    "region": "us-central1",
    "FUNCTION": "fullsend-mint",
    "file": str(ROOT / "deploy" / "alerts" / "metrics" / "fullsend_mint_denied.json"),
}
NOT_COMMANDS = ("gcloud meta", "gcloud topic", "gcloud reads", "gcloud or", "gcloud alone", "gcloud …")


def in_page(text: str) -> Iterator[list[str]]:
    for _, language, block in FENCE.findall(text):
        if language in {"sh", "bash", "console", ""}:
            yield from commands_in(re.sub(r"^\s*\$ ", "", block, flags=re.MULTILINE))
    for command in INLINE.findall(FENCE.sub("", text)):
        if not command.startswith(NOT_COMMANDS) and "…" not in command:
            yield shlex.split(command)


def texts(tree: ast.Module) -> Iterator[str]:
    """Return the strings of a module, with a word where a value is filled in, without docstrings."""
    left_out = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    left_out |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(filled(part) for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in left_out:
            yield node.value


def filled(part: ast.expr) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    name = ast.unparse(part.value) if isinstance(part, ast.FormattedValue) else ""
    if name in MANY_WORDS:
        return "--project=my-project"
    return next((SHELL[word] for word in ("project", "region", "FUNCTION") if name.endswith(word)), "7")


def in_source(path: Path) -> Iterator[list[str]]:
    """Return the commands in a module's messages: to the end of their line, or between backticks."""
    for text in texts(ast.parse(path.read_text(encoding="utf-8"))):
        for found in re.finditer(r"(`?)\bgcloud [a-z][^\n`]*", text):
            line = found[0].lstrip("`")
            if not line.startswith(NOT_COMMANDS) and not line.startswith("gcloud commands"):
                yield shlex.split(line)


def in_shell(words: list[str]) -> list[str]:
    """Return a command as a shell would start it in the repository."""
    return [re.sub(r"\$\{?(\w+)\}?", lambda name: SHELL.get(name[1], "x"), word) for word in words]


def every_command() -> list[list[str]]:
    found = [words for path in PAGES for words in in_page(path.read_text(encoding="utf-8"))]
    found += [words for path in SCRIPTS for words in commands_in(path.read_text(encoding="utf-8"))]
    found += [words for path in SOURCES for words in in_source(path)]
    return [list(words) for words in dict.fromkeys(tuple(in_shell(words)) for words in found)]


@pytest.fixture(scope="module")
def commands() -> list[list[str]]:
    return every_command()


@needs_gcloud
def test_gcloud_parses_every_command_that_is_printed_or_documented(
    tmp_path: Path, commands: list[list[str]]
) -> None:
    assert len(commands) > 25
    example = str(ROOT / "deploy" / "env.example.yaml")
    commands = [[word.replace("deploy/env.yaml", example) for word in words] for words in commands]
    commands.append(shlex.split(MintLocation("my-project").read_log()))
    assert usage_errors(commands, tmp_path) == []


def test_logs_are_read_by_a_command_that_reads_json_lines(commands: list[list[str]]) -> None:
    """`gcloud run services logs read` parses, and then fails on what a mint prints (SDK 528)."""
    assert [words for words in commands if "logs" in words and "read" in words] == []
    assert sum(words[1:3] == ["logging", "read"] for words in commands) >= 3
    assert in_shell(shlex.split(MintLocation("my-project").read_log()))[1:3] == ["logging", "read"]


def test_a_command_in_the_documents_names_its_project() -> None:
    """gcloud does not read GOOGLE_CLOUD_PROJECT."""
    needing = {"logging", "monitoring", "run", "functions", "secrets", "iam", "services", "builds"}
    found = [words for path in PAGES for words in in_page(path.read_text(encoding="utf-8"))]
    shown = [words for words in found if words[1] in needing and len(words) > 4]
    assert [words for words in shown if not any(word.startswith("--project") for word in words)] == []


def test_the_collector_sees_a_wrong_line_in_each_kind_of_place(tmp_path: Path) -> None:
    page = "```sh\nx=$(gcloud a b)\n```\n\nSee `gcloud c d`.\n\n```console\n$ gcloud e f \\\n    --g\n```\n"
    assert list(in_page(page)) == [["gcloud", "a", "b"], ["gcloud", "e", "f", "--g"], ["gcloud", "c", "d"]]
    module = tmp_path / "m.py"
    module.write_text(
        '"""gcloud no"""\nx = f"Run:\\ngcloud h {number} {where}\\nthen"\ny = "Use `gcloud i j` first"\n'
    )
    assert list(in_source(module)) == [["gcloud", "h", "7", "--project=my-project"], ["gcloud", "i", "j"]]
