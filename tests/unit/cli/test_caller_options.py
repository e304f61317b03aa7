"""Options of the caller's commands that are refused before anything is sent."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from fullsend.cli.root import cli
from fullsend.client.errors import MintUnreachableError
from fullsend.client.mint import MintClient
from fullsend.net.retry import RetryPolicy

NOWHERE = "http://127.0.0.1:9"


@pytest.mark.parametrize("seconds", ["nan", "-nan", "NaN", "inf", "-inf", "0", "1e999", ""])
@pytest.mark.parametrize("command", [["token"], ["exec"], ["status"]], ids=["token", "exec", "status"])
def test_a_timeout_that_is_not_a_number_of_seconds_is_refused(command: list[str], seconds: str) -> None:
    arguments = [*command, "--mint-url", NOWHERE, "--role", "triage", "--timeout", seconds]
    result = CliRunner().invoke(cli, ["mint", *arguments, *(["--", "true"] if command == ["exec"] else [])])
    assert result.exit_code == 2, result.output
    assert "'--timeout'" in result.output
    assert result.output.count("Fix:") == 1


@pytest.mark.parametrize("seconds", [float("nan"), 0.0, 0.1])
def test_a_client_without_time_says_that_no_mint_was_asked(seconds: float) -> None:
    client = MintClient(NOWHERE, identity=lambda _: "e30.e30.c2ln", retry=RetryPolicy(total_seconds=seconds))
    with pytest.raises(MintUnreachableError, match="No mint was asked") as refused:
        client.mint("triage")
    assert refused.value.remedy.startswith("give more time")
