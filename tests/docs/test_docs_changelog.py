"""`CHANGELOG.md`: each change of a release is listed once."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

TEXT = (Path(__file__).resolve().parents[2] / "CHANGELOG.md").read_text(encoding="utf-8")
WORDS = 4


def test_no_two_entries_of_a_release_begin_alike() -> None:
    for release in re.split(r"(?m)^## ", TEXT)[1:]:
        begins = Counter(" ".join(line.split()[1 : WORDS + 1]) for line in release.splitlines() if line[:2] == "- ")
        assert [begin for begin, count in begins.items() if count > 1] == []


def test_no_sentence_of_a_release_comes_twice() -> None:
    for release in re.split(r"(?m)^## ", TEXT)[1:]:
        entries = [" ".join(entry.split()) for entry in re.split(r"(?m)^- ", release)[1:]]
        said = Counter(sentence for entry in entries for sentence in re.split(r"(?<=[.:;]) ", entry))
        assert [text for text, count in said.items() if count > 1 and len(text.split()) > WORDS] == []
