"""The front door: fast help, one sentence for a missing extra, private files."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from fullsend.cli.files import append_output, write_private
from fullsend.cli.github import COMMANDS as GITHUB
from fullsend.cli.lazy import Lazy, LazyGroup
from fullsend.cli.mint import COMMANDS
from fullsend.cli.output import CommandError, confirm
from fullsend.cli.root import GROUPS, cli
from fullsend.cli.run_token import ACTIONS, spread

if TYPE_CHECKING:
    from pathlib import Path

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
    "mintcore.settings",
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


def test_a_missing_extra_is_one_sentence_that_says_what_to_install() -> None:
    group = LazyGroup(table={"x": Lazy("no_such_package_at_all:x", "…", extra="sandbox")})
    done = CliRunner().invoke(group, ["x"])
    assert done.exit_code == 1
    assert "pip install 'fullsend-mint[sandbox]'" in done.output
    assert len(done.output.splitlines()) == 1


def test_a_mistake_in_our_own_modules_is_not_taken_for_a_missing_extra() -> None:
    group = LazyGroup(table={"x": Lazy("fullsend.no_such_module:x", "…")})
    assert isinstance(CliRunner().invoke(group, ["x"]).exception, ModuleNotFoundError)


def test_without_click_the_command_says_what_to_install() -> None:
    code = "import sys; sys.modules['click'] = None; from fullsend.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "pip install 'fullsend-mint[cli]'" in done.stderr


def test_an_unknown_command_is_a_usage_error() -> None:
    assert CliRunner().invoke(cli, ["nonsense"]).exit_code == 2


def test_a_private_file_does_not_follow_a_link(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("kept", encoding="utf-8")
    link = tmp_path / "link"
    link.symlink_to(elsewhere)
    write_private(link, "secret")
    assert (elsewhere.read_text(encoding="utf-8"), link.is_symlink()) == ("kept", False)


def test_a_private_file_that_cannot_be_made_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(CommandError):
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


def test_nothing_is_removed_when_there_is_nobody_to_ask() -> None:
    @click.command()
    def remove() -> None:
        confirm("Remove it?", yes=False)

    done = CliRunner().invoke(remove)
    assert (done.exit_code, "--yes" in done.output) == (1, True)


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
    assert spread(words.split()) == expanded.split()


@given(st.lists(st.sampled_from(["--permissions", "--repositories", "--owner", "a", "b", *ACTIONS])))
def test_spreading_loses_no_word(words: list[str]) -> None:
    several = {"--permissions", "--repositories"}
    assert [w for w in spread(words) if w not in several] == [w for w in words if w not in several]
