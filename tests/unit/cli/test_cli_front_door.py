"""The front door: fast help, one sentence for a missing extra, private files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from fullsend.cli.files import append_output
from fullsend.cli.github import COMMANDS as GITHUB
from fullsend.cli.lazy import Lazy, LazyGroup, extra_needed, pip_install
from fullsend.cli.mint import COMMANDS
from fullsend.cli.output import confirm
from fullsend.cli.root import GROUPS, cli
from fullsend.explain.claims_file import read_claims
from fullsend.explain.input_errors import UnusableInputError
from fullsend.failure import BadInput, Failure
from fullsend.private_file import write_private
from fullsend.run_token.command_line import ACTIONS, one_permission_each

TOKEN = "ghs_" + "0123456789abcdef" * 3
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJub2JvZHkifQ.c2lnbmF0dXJlLW9mLW5vYm9keQ"
HEAVY = (
    "requests",
    "rich",
    "github",
    "jwt",
    "cryptography",
    "id",
    "google.auth",
    "google.api_core",
    "celpy",
    "werkzeug",
    "mintcore.settings.environment",
)


@pytest.mark.parametrize("arguments", [["--help"], ["mint", "--help"], ["github", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = f"import sys; from fullsend.cli.root import cli; cli({arguments!r}, standalone_mode=False); "
    code += "print('LOADED', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    loaded = done.stdout.rpartition("LOADED")[2].split()
    assert not [name for name in loaded if name.startswith(tuple(f"{heavy}." for heavy in HEAVY)) or name in HEAVY]


@pytest.mark.parametrize("table", [GROUPS, COMMANDS, GITHUB])
def test_every_entry_of_a_table_leads_to_a_command(table: dict[str, Lazy]) -> None:
    group = LazyGroup(table=table)
    for name in table:
        assert isinstance(group.get_command(click.Context(group), name), click.Command)


def test_a_mistake_in_our_own_modules_is_not_taken_for_a_missing_extra() -> None:
    group = LazyGroup(table={"x": Lazy("fullsend.no_such_module:x", "…")})
    assert isinstance(CliRunner().invoke(group, ["x"]).exception, ModuleNotFoundError)


def test_without_click_the_command_says_what_to_install() -> None:
    code = "import sys; sys.modules['click'] = None; from fullsend.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: the fullsend command needs the Python package click, which is not installed.",
        "Fix: pip install 'fullsend-mint[cli]'",
    ]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["mint", "deploy", "--project", "p"], "this command needs"),
        (["mint", "status", "--project", "p"], "--project needs"),
        (["mint", "explain", "--claims", "-", "--role", "coder", "--project", "p"], "--project needs"),
    ],
)
def test_without_google_the_operators_commands_say_what_to_install(arguments: list[str], says: str) -> None:
    code = "import sys; sys.modules['google.auth'] = None; from fullsend.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        input="{}",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    what, fix = done.stderr.splitlines()
    assert what == f"error: {says} the Python package google-auth, which is not installed."
    assert fix.startswith("Fix: pip install 'fullsend-mint[operate]'")


def test_an_unknown_command_is_a_usage_error() -> None:
    assert CliRunner().invoke(cli, ["nonsense"]).exit_code == 2


def test_a_private_file_neither_follows_nor_replaces_a_link(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("kept", encoding="utf-8")
    link = tmp_path / "link"
    link.symlink_to(elsewhere)
    with pytest.raises(BadInput, match="is a symbolic link"):
        write_private(link, "secret")
    assert (elsewhere.read_text(encoding="utf-8"), link.is_symlink()) == ("kept", True)


def test_a_private_file_does_not_take_the_place_of_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(BadInput, match="is not a regular file"):
        write_private(pipe, "secret")
    assert pipe.is_fifo()


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
def test_stdout_that_takes_nothing_is_one_sentence(words: str, stdout: str) -> None:
    done = shell(f'"$0" {words} {stdout}')
    assert done.returncode == 1
    assert done.stderr.startswith("error: standard output cannot be written: ")
    assert done.stderr.count("\n") == 1


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


def test_a_private_file_that_cannot_be_made_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(BadInput):
        write_private(tmp_path / "taken", "secret")
    assert [file.name for file in tmp_path.iterdir()] == ["taken"]


@given(value=st.text(max_size=200).filter(lambda text: "\r" not in text))
def test_no_value_can_end_itself_in_a_github_file(tmp_path_factory: pytest.TempPathFactory, value: str) -> None:
    path = tmp_path_factory.mktemp("actions") / "output"
    try:
        value.encode()
    except UnicodeEncodeError:
        return
    append_output(path, {"token": value})
    first, _, rest = path.read_text(encoding="utf-8").partition("\n")
    delimiter = first.removeprefix("token<<")
    assert rest == f"{value}\n{delimiter}\n"
    assert delimiter not in value


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
    ("module", "distribution"),
    [
        ("nacl", "PyNaCl"), ("yaml", "PyYAML"), ("jwt", "PyJWT"), ("rich", "rich"),
        ("fullsend_sandbox", "fullsend-mint-sandbox"), ("google", "google-auth"),
    ],
)  # fmt: skip
def test_a_missing_package_is_named_as_one_would_search_for_it(module: str, distribution: str) -> None:
    with pytest.raises(Failure) as failed, extra_needed("this command", pip_install("operate")):
        raise ModuleNotFoundError(f"No module named {module!r}", name=f"{module}.part")
    assert f" {distribution}, which is not installed." in failed.value.message
    assert failed.value.remedy == "pip install 'fullsend-mint[operate]'"


@pytest.mark.parametrize(
    ("entry", "remedy"),
    [
        (Lazy("no_such_package.cli:x", "", extra="operate"), "pip install 'fullsend-mint[operate]'"),
        (Lazy("no_such_package.cli:x", "", install="pip install ./x, in a clone"), "pip install ./x, in a clone"),
    ],
)
def test_a_missing_package_has_the_form_of_every_error(entry: Lazy, remedy: str) -> None:
    done = CliRunner().invoke(click.group(cls=type(cli), table={"x": entry})(lambda: None), ["x"])
    assert done.exit_code == 1
    assert done.output.splitlines() == [
        "error: this command needs the Python package no_such_package, which is not installed.",
        f"Fix: {remedy}",
    ]


def test_no_remedy_installs_by_name_what_no_index_has() -> None:
    """pip finds an extra of the package that is installed; the sandbox is another distribution."""
    assert {name for name, entry in GROUPS.items() if entry.install} == {"sandbox"}
    assert GROUPS["sandbox"].install.startswith("pip install ./sandbox")


@pytest.mark.parametrize(
    ("line", "usage"),
    [("bogus", "fullsend"), ("mint bogus", "fullsend mint"), ("mint token --role", "fullsend mint token"),
     ("mint token --role x --bogus", "fullsend mint token"), ("mint exec --role x", "fullsend mint exec")],
)  # fmt: skip
def test_a_usage_error_of_any_kind_says_where_the_usage_is(line: str, usage: str) -> None:
    done = CliRunner().invoke(cli, line.split(), prog_name="fullsend")
    assert done.exit_code == 2
    assert done.output.splitlines()[1:] == [f"Fix: {usage} --help shows the usage"]


@pytest.mark.parametrize(
    ("words", "incomplete", "completed"),
    [
        ([], "", ["here", "missing"]),
        ([], "m", ["missing"]),
        (["missing"], "", []),
        (["missing", "--option", "value"], "--h", ["--help"]),
        (["here"], "a", ["add"]),
    ],
)
def test_a_tab_completes_beside_commands_whose_packages_are_missing(
    words: list[str], incomplete: str, completed: list[str]
) -> None:
    table = {"here": Lazy("fullsend.cli.mint.issuer:issuer", ""), "missing": Lazy("no_such_package.cli:x", "")}
    group = click.group(cls=type(cli), table=table)(lambda: None)
    found = ShellComplete(group, {}, "fullsend", "_FULLSEND_COMPLETE").get_completions(words, incomplete)
    assert [item.value for item in found] == completed


def test_a_tab_after_the_command_imports_no_group_and_shows_what_each_is_for() -> None:
    code = (
        "import sys; from click.shell_completion import ShellComplete; from fullsend.cli.root import GROUPS, cli; "
        "found = ShellComplete(cli, {}, 'fullsend', '').get_completions([], ''); "
        "assert {item.value: item.help for item in found} == {name: entry.help for name, entry in GROUPS.items()}; "
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert not set(done.stdout.split()) & {"fullsend.cli.mint", "fullsend.cli.github", "fullsend_sandbox"}
