"""Each command of the command line is in a document where its user looks for it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from fullsend.cli.root import cli
from fullsend.client.remedies import CLIENT_TABLE
from mintcore.errors.table import TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


def commands(group: click.Group, *above: str) -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, *above, name)
        else:
            yield " ".join([*above, name])


ALL = sorted(commands(cli))


@pytest.mark.parametrize("command", ALL)
def test_a_command_is_documented(command: str) -> None:
    assert re.search(rf"(?:fullsend |`){re.escape(command)}(?![\w-])", TEXT), f"no page names `fullsend {command}`"


def test_the_commands_are_found() -> None:
    assert {"mint token", "mint deploy", "run-token", "audit find", "github setup"} <= set(ALL)


def command_of(words: list[str]) -> tuple[str, click.Command | None, list[str]]:
    """Return the command that the words after `fullsend` name, None if there is none, and the words that follow."""
    current: click.Command = cli
    for at, word in enumerate(words):
        if not isinstance(current, click.Group):
            return " ".join(words[:at]), current, words[at:]
        found = current.get_command(click.Context(current), word)
        if found is None:
            return " ".join(words[:at]), current if word.startswith("-") else None, words[at:]
        current = found
    return " ".join(words), current, []


def unknown_options(text: str) -> Iterator[str]:
    """Yield each `fullsend COMMAND --option` in a text whose option the command does not have."""
    for shown in re.findall(r"(?<![\w./-])fullsend ((?:[a-z-]+ )+(?:\\\n|[^\n`#|;&$]|\$(?!\())*)", text):
        name, command, rest = command_of(re.sub(r"\\\n", " ", shown).split())
        if command is None or not command.add_help_option:
            continue  # prose, such as "fullsend reads", or run-token, which click does not parse
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        own = rest[: rest.index("--")] if "--" in rest else rest
        stripped = [word.lstrip("[(") for word in own]
        given = {re.split(r"[=,.;:)\]'\"]", word)[0] for word in stripped if word.startswith("--")}
        yield from (f"fullsend {name} {option}" for option in sorted(given - known - {"--help"}))


REMEDIES = "\n".join(
    f"{row.caller_fix}\n{row.operator_fix}\n{row.action_fix}" for row in {**TABLE, **CLIENT_TABLE}.values()
)
EXAMPLES = [
    path
    for folder in ("examples", "deploy", ".github")
    for path in (ROOT / folder).rglob("*")
    if path.is_file() and path.suffix in {".yml", ".yaml", ".md", ".sh", ".example", ".json", ".service", ".env"}
]


@pytest.mark.parametrize("page", [*PAGES, *EXAMPLES], ids=lambda path: str(path.relative_to(ROOT)))
def test_every_option_in_a_page_or_an_example_exists(page: Path) -> None:
    assert list(unknown_options(page.read_text(encoding="utf-8"))) == []


def test_every_option_in_a_remedy_exists() -> None:
    assert REMEDIES.count("fullsend ") > 10
    assert list(unknown_options(REMEDIES)) == []


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("`fullsend audit find --request FILE`", ["fullsend audit find --request"]),
        ("`fullsend audit find --request-id ID --json FILE`", []),
        ("x | fullsend audit find \\\n  --nothing=1 -", ["fullsend audit find --nothing"]),
        ("`fullsend mint exec --role coder -- gh --version`", []),
        ("`fullsend mint token`, not --nothing", []),
    ],
)
def test_an_option_that_does_not_exist_is_found(text: str, unknown: list[str]) -> None:
    assert list(unknown_options(text)) == unknown


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed; GitHub's runners have it")
def test_the_remedy_counts_the_requests_of_each_repository(tmp_path: Path) -> None:
    shown = re.search(r"`(jq [^`]+)`", TABLE["github_rate_limited"].operator_fix)
    assert shown is not None
    callers: list[dict[str, str]] = [{"repository": "a/b"}, {"repository": "c/d"}, {"repository": "a/b"}, {}]
    lines = [json.dumps({"audit": {"caller": caller}}) for caller in callers]
    (tmp_path / "LOG").write_text("\n".join([*lines, json.dumps({"message": "started"})]))
    done = subprocess.run(
        ["bash", "-c", shown[1]], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True
    )
    assert [line.split() for line in done.stdout.splitlines()] == [["2", "a/b"], ["1", "c/d"]]
