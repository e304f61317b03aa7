"""All text for people follows docs/writing.md and has none of its banned turns."""

from __future__ import annotations

import io
import json
import re
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from fullsend.cli.root import cli
from fullsend.client.remedies import CLIENT_TABLE
from mintcore.errors.table import TABLE
from tests.docs.banned_turns import BANNED, banned_in

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    *(ROOT / "Makefile", ROOT / ".ci" / "run", ROOT / "docs" / "openapi.yaml", ROOT / "pyproject.toml"),
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
    *(
        path
        for folder in (ROOT / "deploy", ROOT / "examples", ROOT / ".github")
        for path in folder.rglob("*.*")
        if path.suffix in {".conf", ".example", ".json", ".md", ".sh", ".service", ".yaml", ".yml"}
        or path.name in {"Caddyfile", "Dockerfile", "mint.env"}
    ),
]
SOURCES = [
    ROOT / "main.py",
    *(
        path
        for package in ("mintcore", "fullsend", "sandbox", "bench", "scripts")
        for path in (ROOT / package).rglob("*.py")
    ),
]
# Not rewritten yet: this list only shrinks.
NOT_YET: set[str] = set()
# Names of tests still have these turns: this list only shrinks.
NOT_YET_IN_NAMES = {"whatever", "what X says", "for ever", "leaves out"}
# The page that lists the turns.
GUIDE = "docs/writing.md"


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def checked(paths: list[Path]) -> list[str]:
    names = {name_of(path) for path in paths if path.is_file()}
    return sorted(names - NOT_YET - {GUIDE})


def prose_of(source: str) -> Iterator[tuple[int, str]]:
    """Yield each run of neighboring comments and each string, with its line."""
    comment, line = "", 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            line = line or token.start[0]
            comment += token.string.lstrip("#") + " "
        elif token.type not in {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}:
            if comment:
                yield line, comment
                comment, line = "", 0
            if token.type == tokenize.STRING:
                yield token.start[0], token.string


@pytest.mark.parametrize("name", checked(DOCUMENTS))
def test_a_document_has_no_banned_turn(name: str) -> None:
    assert banned_in((ROOT / name).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", checked(SOURCES))
def test_comments_and_strings_have_no_banned_turn(name: str) -> None:
    source = (ROOT / name).read_text(encoding="utf-8")
    assert {f"line {line}": found for line, text in prose_of(source) if (found := banned_in(text))} == {}


def test_names_of_tests_and_their_helpers_have_no_banned_turn() -> None:
    names = {
        f"{name_of(path)}: {name}"
        for path in (ROOT / "tests").rglob("*.py")
        for name in re.findall(r"^\s*(?:async )?def (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        if {turn.partition(":")[0] for turn in banned_in(name.replace("_", " "))} - NOT_YET_IN_NAMES
    }
    assert names == set()


def commands(group: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(group, click.Group):
        with click.Context(group) as context:
            for name in group.list_commands(context):
                below = group.get_command(context, name)
                assert below is not None
                yield from commands(below, (*path, name))


@pytest.mark.parametrize("path", sorted(commands(cli)), ids=" ".join)
def test_a_help_text_has_no_banned_turn(path: tuple[str, ...]) -> None:
    done = CliRunner().invoke(cli, [*path, "--help"])
    assert done.exit_code == 0
    assert banned_in(done.output) == []


@pytest.mark.parametrize("path", sorted(path for path in commands(cli) if path), ids=" ".join)
def test_every_command_is_in_a_document(path: tuple[str, ...]) -> None:
    """A page that names the group may list its commands by their last word."""
    *group, name = path
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        text = page.read_text(encoding="utf-8")
        if " ".join(["fullsend", *group]) in text and re.search(rf"[` ]{name}[`, ]", text):
            return
    pytest.fail(f"no document names fullsend {' '.join(path)}")


@pytest.mark.parametrize("code", sorted({**TABLE, **CLIENT_TABLE}))
def test_an_errors_texts_have_no_banned_turn(code: str) -> None:
    row = {**TABLE, **CLIENT_TABLE}[code]
    assert banned_in(f"{row.sentence} {row.cause} {row.caller_fix} {row.operator_fix} {row.action_fix}") == []


def test_the_actions_texts_have_no_banned_turn() -> None:
    folder = ROOT / ".github" / "actions" / "mint-token"
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.js"))]
    texts += [
        (folder / "action.yml").read_text(encoding="utf-8"),
        *json.loads((folder / "hints.json").read_text()).values(),
    ]
    assert [found for text in texts for found in banned_in(text)] == []


@pytest.mark.parametrize(
    "sentence",
    [
        "Whoever sends slowly spends nobody's time.",
        "A length that is none.",
        "This is no name.",
        "An operator has to mend it.",
        "Where the keys cannot be had.",
        "Return the answer, whatever its status.",
        "Answer what STS says.",
        "Raises what ``issue`` raises.",
        'CALLERS has for "x" no claim.',
        "CALLERS[0] comes nearest.",
        "The entry unused longest goes first.",
        "A value that is not a text.",
        "The message holds nothing of the key.",
        "Remove the account for good.",
    ],
)
def test_the_patterns_find_the_turns_they_are_for(sentence: str) -> None:
    assert banned_in(sentence)


def test_the_guide_shows_turns_that_the_patterns_find() -> None:
    advised = (ROOT / GUIDE).read_text(encoding="utf-8").partition("## Turns to avoid")[2]
    found = {turn.partition(":")[0] for turn in banned_in(advised)}
    assert len(found) >= len(BANNED) // 2
