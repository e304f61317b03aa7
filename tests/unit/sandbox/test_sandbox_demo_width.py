"""The table of `fullsend sandbox demo` is as wide as COLUMNS says, and becomes records where that is narrow."""

from __future__ import annotations

import pytest

from fullsend_sandbox.cli.common import _print_outcomes
from fullsend_sandbox.cli.output import PLAIN_WIDTH
from fullsend_sandbox.demo import Answer, Outcome, Step

ANSWER = Answer(403, "org_not_allowed", "This organization may not mint. " * 9)


@pytest.mark.parametrize(("columns", "width"), [("61", 61), ("90", 90), ("", PLAIN_WIDTH)])
def test_the_table_is_as_wide_as_columns_says(
    columns: str, width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    step = Step("an organization that is not allowed asks for a token", lambda _: ANSWER, 403, "org_not_allowed")
    _print_outcomes([Outcome(step, ANSWER, 12.0)])
    assert max(map(len, capsys.readouterr().out.splitlines())) == width


def test_in_a_narrow_place_each_step_is_a_record(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    right = Step("a token", lambda _: ANSWER, 403, "org_not_allowed")
    wrong = Step("another", lambda _: ANSWER, 200)
    _print_outcomes([Outcome(right, ANSWER, 12.0), Outcome(wrong, Answer(404, "", "Not Found"), 1.4)])
    assert capsys.readouterr().out.splitlines() == [
        "result   ok",
        "step     a token",
        "answer   403 org_not_allowed",
        f"details  {ANSWER.sentence}",
        "ms       12",
        "",
        "result   WRONG",
        "step     another",
        "answer   404",
        "         (should be 200)",
        "details  Not Found",
        "ms       1",
    ]
