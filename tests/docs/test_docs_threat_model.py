"""The threat model's claims name tests that exist."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
TESTS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))
ROWS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)\[([^`]+)\]`", PAGE)))


def test_every_mention_of_a_test_is_understood() -> None:
    assert len(re.findall(r"`tests/[^`]+`", PAGE)) >= len(TESTS) + len(ROWS) > 30
    assert not [
        mention
        for mention in re.findall(r"`(tests/[^`]+)`", PAGE)
        if not re.fullmatch(r"tests/[\w/]+\.py(::\w+|\[.+\])", mention)
    ]


@pytest.mark.parametrize(("path", "name"), TESTS, ids=lambda part: part.rpartition("/")[2])
def test_a_test_that_shows_a_claim_exists(path: str, name: str) -> None:
    assert re.search(rf"^def {name}\(", (ROOT / path).read_text(encoding="utf-8"), flags=re.MULTILINE)


@pytest.mark.parametrize(("path", "row"), ROWS, ids=lambda part: part.rpartition("/")[2])
def test_a_row_that_shows_a_claim_exists(path: str, row: str) -> None:
    table = importlib.import_module(path.removesuffix(".py").replace("/", "."))
    assert row in {entry.id for entry in table.ROWS}
