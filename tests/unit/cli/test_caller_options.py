"""Options of the caller's commands that are refused before anything is sent."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from fullsend.cli.mint.caller_options import check_request
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


def refused(*arguments: str) -> str:
    result = CliRunner().invoke(cli, ["mint", *arguments])
    assert result.exit_code == 2, result.output
    assert result.output.count("Fix:") == 1
    return result.output


JOB = ("--mint-url", NOWHERE, "--role", "triage")


def test_an_unknown_option_of_exec_is_not_taken_for_the_command() -> None:
    told = refused("exec", *JOB, "--repo", "app", "--", "true")
    assert "No such option '--repo'" in told
    assert "--repos" in told


def test_what_follows_two_dashes_or_the_command_is_not_an_option_of_exec() -> None:
    for command in (["--", "--no-such-command"], ["no-such-command", "--repo"]):
        result = CliRunner().invoke(cli, ["mint", "exec", *JOB, *command])
        assert result.exit_code == 127
        assert result.output.count("Fix:") == 1


@pytest.mark.parametrize("audience", ["", " "])
@pytest.mark.parametrize("command", ["token", "exec", "status"])
def test_an_empty_audience_is_refused(command: str, audience: str) -> None:
    assert "--audience is empty" in refused(command, *JOB, "--audience", audience)


@pytest.mark.parametrize(
    "name",
    [
        *("PATH", "HOME", "LD_PRELOAD", "LD_LIBRARY_PATH", "GITHUB_OUTPUT", "GITHUB_API_URL"),
        *("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL"),
    ],
)
def test_a_variable_that_something_else_reads_does_not_get_the_token(name: str) -> None:
    assert f"--env {name}: " in refused("exec", *JOB, "--env", name, "--", "true")
    assert f"--env-name {name}: " in refused("token", *JOB, "--format", "env", "--env-name", name)


@pytest.mark.parametrize("name", ["GH_TOKEN", "GITHUB_TOKEN", "GITHUB_PAT", "MY_PATH", "path"])
def test_other_variables_may_have_it(name: str) -> None:
    result = CliRunner().invoke(cli, ["mint", "exec", *JOB, "--env", name, "no-such-command"])
    assert (result.exit_code, "not found" in result.output) == (127, True)


def test_the_option_is_named_as_the_command_spells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    with pytest.raises(click.BadParameter) as refused:
        check_request("coder", [], target_org="other-org")
    assert "--target-org" in refused.value.message
    assert "target_org" not in refused.value.message
