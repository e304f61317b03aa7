"""The operator reads when the mint stops to trust its machine's clock, and when it trusts it again."""

from __future__ import annotations

import io
import json
from email.utils import formatdate

import pytest

from mintcore.clock import CorrectedClock
from mintcore.observe.log import JsonLog, log_corrections

NOW = 1_900_000_000.0


@pytest.mark.parametrize(
    ("offset", "side"),
    [(120, "120 s behind the issuer's and GitHub's"), (-300, "300 s ahead of the issuer's and GitHub's")],
)
def test_a_correction_is_logged_when_it_starts_and_when_it_ends(offset: int, side: str) -> None:
    stream = io.StringIO()
    clock = CorrectedClock(wall=lambda: NOW, monotonic=lambda: 0.0)
    log_corrections(clock, JsonLog(stream))
    for served in (NOW + offset, NOW + offset, NOW):
        clock.observe(formatdate(served, usegmt=True))
    started, ended = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert (started["severity"], started["clock_offset_s"]) == ("WARNING", offset)
    assert side in started["message"]
    assert (ended["severity"], ended["clock_offset_s"]) == ("INFO", 0)
