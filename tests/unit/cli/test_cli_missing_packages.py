"""Help and completion without the extras, and one sentence for a package that is missing."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from fullsend.cli.github import COMMANDS as GITHUB
from fullsend.cli.lazy import Lazy, LazyGroup, extra_needed, pip_install
from fullsend.cli.mint import COMMANDS
from fullsend.cli.root import GROUPS, cli
from fullsend.failure import Failure

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
