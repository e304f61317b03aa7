"""What the commands refuse on the command line, and what they do where stdout takes nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from fullsend.cli.output import confirm
from fullsend.cli.root import cli
from fullsend.explain.claims_file import read_claims
from fullsend.explain.input_errors import UnusableInputError
from fullsend.run_token.command_line import ACTIONS, one_permission_each

TOKEN = "ghs_" + "0123456789abcdef" * 3


JWT = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJub2JvZHkifQ.c2lnbmF0dXJlLW9mLW5vYm9keQ"


def test_an_unknown_command_is_a_usage_error() -> None:
    assert CliRunner().invoke(cli, ["nonsense"]).exit_code == 2


@pytest.mark.parametrize(
    "words",
    [
        "{secret}",
        "mint token --{secret}",
        "mint token --role r --mint-url https://mint.example.com --env-name GH_TOKEN={secret}",
        "mint exec --role r --mint-url https://mint.example.com --env GH_TOKEN={secret} -- true",
        "mint exec --role r --mint-url https://mint.example.com -- {secret}",
        "mint revoke --token-file {secret}",
        "mint revoke --env {secret}",
        "mint explain --role r --env-file {secret} --claims -",
        "audit find --run 1 {secret}",
        "run-token --owner {secret}/x mint",
    ],
)
@pytest.mark.parametrize("secret", [TOKEN, JWT])
def test_no_error_shows_a_secret_that_an_argument_brought(words: str, secret: str) -> None:
    done = CliRunner().invoke(cli, words.format(secret=secret).split())
    assert done.exit_code
    assert not [part for part in secret.split(".") if part in done.output]
    assert "rror: " in done.output


def test_an_error_without_a_secret_is_shown_as_click_shows_it() -> None:
    done = CliRunner().invoke(cli, ["mint", "nonsense"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "error: No such command 'nonsense'.\nFix: cli mint --help shows the usage\n"


@pytest.mark.parametrize(
    ("words", "meant"),
    [("mnt token", "mint"), ("mint tokn", "token"), ("github stauts", "status"), ("mint enrol", "enroll")],
)
def test_a_misspelt_command_is_answered_with_the_one_that_was_meant(words: str, meant: str) -> None:
    done = CliRunner().invoke(cli, words.split())
    assert done.exit_code == 2
    assert repr(meant) in done.stderr.partition("Did you mean")[2]


@pytest.mark.parametrize("length", [1, 500])
def test_a_jwt_in_the_place_of_its_file_is_told_from_a_file(length: int) -> None:
    with pytest.raises(UnusableInputError) as caught:
        read_claims(Path(JWT * length))
    assert str(caught.value) == "A token was given instead of a file."
    assert caught.value.remedy.startswith("Give the file, not the token itself")


@pytest.mark.parametrize("command", ["token", "exec", "explain"])
@pytest.mark.parametrize("empty", ["", " ", ","])
def test_empty_repos_are_not_taken_for_all_of_them(command: str, empty: str) -> None:
    words = ["--role", "r", "--repos", empty]
    if command != "explain":
        words += ["--mint-url", "https://mint.example.com"]
    done = CliRunner().invoke(cli, ["mint", command, *words, *{"exec": ["true"]}.get(command, [])])
    assert done.exit_code == 2
    assert "--repos is empty: name repositories, give '*' for the whole installation" in done.output


@pytest.mark.parametrize("name", ["a b", "1A", "", "A-B", "A=B", "A\n"])
def test_a_variable_must_have_a_name_that_a_shell_takes(name: str) -> None:
    words = ["--role", "r", "--mint-url", "https://mint.example.com", "--format", "env", "--env-name", name]
    done = CliRunner().invoke(cli, ["mint", "token", *words])
    assert done.exit_code == 2
    assert "is not a name for a variable" in done.output


@pytest.mark.parametrize("words", ["--help", "--version", "mint --help", "run-token --help"])
@pytest.mark.parametrize("stdout", [">/dev/full", ">&-"])
def test_stdout_that_takes_nothing_is_one_sentence_and_a_fix(words: str, stdout: str) -> None:
    done = shell(f'"$0" {words} {stdout}')
    assert done.returncode == 1
    error, fix = done.stderr.splitlines()
    assert error.startswith("error: standard output cannot be written: ")
    assert fix.startswith("Fix: ")


def test_a_command_that_prints_no_result_does_without_stdout(tmp_path: Path) -> None:
    done = shell('"$0" mint revoke --token-file "$1" >&-', str(tmp_path / "none"))
    assert (done.returncode, "does not exist" in done.stderr) == (2, True)


def test_a_pipe_that_is_closed_is_passed_over_in_silence() -> None:
    assert shell('{ sleep 0.1; "$0" --help; } | true').stderr == ""


def shell(line: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    fullsend = str(Path(sys.executable).parent / "fullsend")
    return subprocess.run(
        ["bash", "-c", line, fullsend, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_nothing_is_removed_without_a_terminal_to_ask_on() -> None:
    @click.command()
    def remove() -> None:
        confirm("Remove it?", yes=False)

    done = CliRunner().invoke(remove)
    assert (done.exit_code, "--yes" in done.output) == (2, True)


@pytest.mark.parametrize(
    ("words", "expanded"),
    [
        ("--permissions a:read b:write mint", "--permissions a:read --permissions b:write mint"),
        ("--permissions a:read --owner o mint", "--permissions a:read --owner o mint"),
        ("mint --repositories x y", "mint --repositories x --repositories y"),
        ("--repositories mint mint", "--repositories mint mint"),
        ("--repositories x --dry-run revoke", "--repositories x --dry-run revoke"),
        ("--owner o --repo r runner-token", "--owner o --repo r runner-token"),
    ],
)
def test_several_values_end_at_the_next_option_or_the_action(words: str, expanded: str) -> None:
    assert one_permission_each(words.split()) == expanded.split()


@given(st.lists(st.sampled_from(["--permissions", "--repositories", "--owner", "a", "b", *ACTIONS])))
def test_spreading_loses_no_word(words: list[str]) -> None:
    several = {"--permissions", "--repositories"}
    assert [w for w in one_permission_each(words) if w not in several] == [w for w in words if w not in several]


@pytest.mark.parametrize(
    ("line", "usage"),
    [("bogus", "fullsend"), ("mint bogus", "fullsend mint"), ("mint token --role", "fullsend mint token"),
     ("mint token --role x --bogus", "fullsend mint token"), ("mint exec --role x", "fullsend mint exec")],
)  # fmt: skip
def test_a_usage_error_of_any_kind_says_where_the_usage_is(line: str, usage: str) -> None:
    done = CliRunner().invoke(cli, line.split(), prog_name="fullsend")
    assert done.exit_code == 2
    assert done.output.splitlines()[1:] == [f"Fix: {usage} --help shows the usage"]
