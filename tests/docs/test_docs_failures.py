"""A row of docs/failures.md is complete: a reader who searches for one failure does not read the rows above it."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "failures.md"
REFERENCE = re.compile(
    r"^the same\b|\bthe same [A-Z]+$|\bas above\b|\b(first|second|third|previous|next|last) row\b"
)


def test_no_cell_refers_to_another_row() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    cells = [cell.strip() for row in rows for cell in row.strip("|").split(" | ")]
    assert len(cells) > 100
    assert [cell for cell in cells if REFERENCE.search(cell)] == []
