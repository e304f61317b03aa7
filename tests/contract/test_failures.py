"""Every row of the contract's failure table, against the real process."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from mintcore import errors
from tests.contract import rows_policy, rows_request, rows_token, rows_trust, rows_upstream
from tests.contract.exchange import Got, send
from tests.contract.modes import MODES, StartMode
from tests.contract.table import Row, Sent, as_job

if TYPE_CHECKING:
    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World

ROWS = (*rows_request.ROWS, *rows_token.ROWS, *rows_policy.ROWS, *rows_upstream.ROWS)
# A row with a separate mint costs a start. Both modes share the code behind it, so each run tests only one mode.
CASES = [
    pytest.param(
        row,
        mode,
        id=f"{mode}: {row.id}",
        marks=[pytest.mark.long] if row.needs_own_mint and mode != row.modes[0] else [],
    )
    for row in ROWS
    for mode in MODES
    if mode in row.modes
]
# Rows whose failure needs more than one request, or another process; each has a separate test.
ELSEWHERE = {"rate_limited", "issuer_unavailable", "fallback_unavailable", "token_spent"}
TRUST = {row.code for row in rows_trust.ROWS if row.code}


@pytest.mark.parametrize(("row", "mode"), CASES)
def test_each_failure_has_its_status_code_and_sentence(
    row: Row, mode: str, world: World, shared_mints: dict[str, MintProcess], start_mode: StartMode
) -> None:
    if row.arrange is not None:
        row.arrange(world)
    mint = start_mode(mode, **row.environment) if row.needs_own_mint else shared_mints[mode]
    for service in (world.sts, world.github):
        service.traffic.clear()
    got = send(mint.url, row.send(world))
    assert (got.status, got.json["code"]) == (row.status, row.code)
    assert_envelope(got)
    for name, pattern in row.headers.items():
        assert re.fullmatch(pattern, got.headers[name])
    for words in row.says:
        assert words in got.json["error"]
    if row.calls is not None:
        assert {name: world.outside_calls()[name] for name in row.calls} == dict(row.calls)


def assert_envelope(got: Got) -> None:
    assert got.headers["Content-Type"] == "application/json"
    assert got.headers["Cache-Control"] == "no-store"
    assert set(got.json) == {"error", "code", "request_id"}
    assert got.json["request_id"] == got.headers["X-Request-Id"]
    assert got.json["error"][0].isupper() or got.json["error"].startswith("repos")
    assert got.json["error"].endswith(".")


def test_every_code_of_the_error_tree_is_in_a_row() -> None:
    def leaves(kind: type[errors.MintError]) -> set[str]:
        below = kind.__subclasses__()
        own = {kind.code} if hasattr(kind, "code") else set()
        return own.union(*(leaves(child) for child in below))

    assert leaves(errors.MintError) == {row.code for row in ROWS} | TRUST | ELSEWHERE


def test_every_token_that_is_not_genuine_gets_the_same_sentence(
    world: World, shared_mints: dict[str, MintProcess]
) -> None:
    sentences = {
        send(shared_mints["hosted"].url, row.send(world)).json["error"]
        for row in rows_token.ROWS
        if "hosted" in row.modes
    }
    assert len(sentences) == 1


def test_an_unproven_caller_is_not_told_what_policy_thinks_of_it(
    world: World, shared_mints: dict[str, MintProcess]
) -> None:
    forged = world.issuer.forged_token(world.job(repository="other-org/app"))
    got = send(shared_mints["hosted"].url, Sent(forged, {"role": "nobody"}))
    assert (got.status, got.json["code"]) == (401, "invalid_token")


@pytest.mark.parametrize("mode", MODES)
def test_the_rate_limit_counts_a_calling_repository_once_it_is_proven(
    mode: str, world: World, start_mode: StartMode
) -> None:
    mint = start_mode(mode, RATE_LIMIT="2/hour")
    forged = world.issuer.forged_token(world.job())
    assert [send(mint.url, Sent(forged)).status for _ in range(3)] == [401, 401, 401]
    assert [send(mint.url, as_job()(world)).status for _ in range(2)] == [200, 200]
    limited = send(mint.url, as_job()(world))
    assert (limited.status, limited.json["code"]) == (429, "rate_limited")
    assert 0 < int(limited.headers["Retry-After"]) <= 3600
    other = send(mint.url, as_job({"role": "coder"}, repository="octo-org/docs")(world))
    assert other.status == 200
