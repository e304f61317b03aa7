"""docs/configuration.md equals the output of `make docs` from the settings code."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
VARIABLES = set(re.findall(r"^\| `(\w+)` \|", PAGE, flags=re.MULTILINE))


@pytest.mark.parametrize("written", ["configuration", "examples"])
def test_what_make_docs_writes_is_up_to_date(written: str) -> None:
    checked = subprocess.run(
        [sys.executable, f"scripts/docs/{written}.py", "--check"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr


def test_every_variable_that_is_deployed_is_on_the_page() -> None:
    deployed = yaml.safe_load((ROOT / "deploy" / "env.example.yaml").read_text(encoding="utf-8"))
    # glibc reads that one, not the mint.
    assert set(deployed) - {"MALLOC_ARENA_MAX"} <= VARIABLES
