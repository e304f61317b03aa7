"""The table of `fullsend sandbox demo` is as wide as COLUMNS says."""

from __future__ import annotations

import pytest

from fullsend_sandbox.cli.common import PLAIN_WIDTH, _print_outcomes
from fullsend_sandbox.demo import Answer, Outcome, Step

ANSWER = Answer(403, "org_not_allowed", "This organization may not mint. " * 9)


@pytest.mark.parametrize(("columns", "width"), [("60", 60), ("90", 90), ("", PLAIN_WIDTH)])
def test_the_table_is_as_wide_as_columns_says(
    columns: str, width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    step = Step("an organization that is not allowed asks for a token", lambda _: ANSWER, 403, "org_not_allowed")
    _print_outcomes([Outcome(step, ANSWER, 12.0)])
    assert max(map(len, capsys.readouterr().out.splitlines())) == width
