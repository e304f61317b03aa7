"""`mint doctor --provenance`: the source that Cloud Functions has, beside a release's checksums."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from tests.integration.operate.conftest import Operator


def doctor(operator: Operator, sums: Path) -> Result:
    return operator.run("mint", "doctor", "--source", str(operator.source), "--provenance", str(sums))


def test_a_mint_is_compared_with_the_checksums_of_a_release(operator: Operator, tmp_path: Path) -> None:
    operator.deploy()
    made = subprocess.run(
        [sys.executable, "scripts/release/source.py", str(operator.source), str(tmp_path)],
        cwd=ROOT, check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    sums = tmp_path / "SHA256SUMS"
    sums.write_text(f"{'0' * 64}  other.whl\n{made.stdout}")
    right = doctor(operator, sums)
    assert right.exit_code == 0, right.output
    sums.write_text(made.stdout.replace(made.stdout[:64], "0" * 64))
    wrong = doctor(operator, sums)
    assert (wrong.exit_code, "(source_not_published)" in wrong.output) == (3, True)
    operator.plane.deny("cloudfunctions.functions.sourceCodeGet")
    unread = doctor(operator, sums)
    assert (unread.exit_code, "roles/cloudfunctions.developer" in unread.output) == (0, True)
    sums.write_text("nothing\n")
    assert doctor(operator, sums).exit_code == 2
