"""Each command of the command line is in a document where its user looks for it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from fullsend.cli.root import cli

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
