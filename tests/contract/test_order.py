"""The contract's tests pass after tests of any other folder have changed the session's world."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


# The whole suite may also run the contract after other folders; this second pytest always does.
@pytest.mark.long
def test_shared_mints_start_in_a_world_that_another_test_left_broken() -> None:
    trace = "tests/contract/test_status_trace.py::test_a_caller_sees_every_rule_pass"
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider",
            "tests/contract/breaks_the_world.py", trace,
        ],
        cwd=ROOT, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
