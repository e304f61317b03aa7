"""Tables: their width, the columns that are never broken, and their form in a narrow terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios

import click
import pytest
from click.testing import CliRunner

from fullsend.cli.output import CommandError, note, print_json, print_table
from fullsend.console import error_text

NAME = "FULLSEND_GCP_WIF_PROVIDER"
LONG = "projects/1/locations/global/workloadIdentityPools/fullsend-inference/providers/github-oidc " * 3


def printed(**environment: str | None) -> str:
    @click.command()
    def table() -> None:
        print_table(("state", "name", "value"), [("present", NAME, LONG)], whole=("state", "name"))

    done = CliRunner().invoke(table, env={"COLUMNS": None, "NO_COLOR": None, **environment})
    assert done.exit_code == 0
    return done.stdout


@pytest.mark.parametrize("columns", [None, "", "0", "wide"])
def test_without_a_terminal_a_table_is_wide_enough_for_names(columns: str | None) -> None:
    assert max(len(line) for line in printed(COLUMNS=columns).splitlines()) == 200


def test_a_table_without_a_terminal_is_as_wide_as_columns_says_and_breaks_no_name() -> None:
    lines = printed(COLUMNS="70").splitlines()
    assert {len(line) for line in lines} == {70}
    assert any(NAME in line for line in lines)


def test_where_names_do_not_fit_beside_each_other_each_row_is_lines() -> None:
    assert printed(COLUMNS="40").splitlines() == ["state  present", f"name   {NAME}", f"value  {LONG}"]


def test_half_a_character_is_printed_as_its_escape_sequence_and_json_keeps_its_value() -> None:
    half, value = "triage\ud800", {"role": "coder\ud800", "who": "Zoë 🦊", "path": "\\\udfff"}

    @click.command()
    def say() -> None:
        print_json(value)
        note(half)
        print_table(("role",), [(half,)])
        print_table(("role",), [(half * 30,)], whole=("role",))
        raise CommandError(half, half)

    done = CliRunner().invoke(say, env={"COLUMNS": "60"})

    assert isinstance(done.exception, SystemExit)
    shown, _, tables = done.stdout.partition("}\n")
    assert json.loads(shown + "}") == value
    assert "Zoë 🦊" in shown
    assert r"triage\ud800" in tables
    assert done.stderr.count(r"triage\ud800") == 3


@pytest.mark.parametrize(("no_color", "escapes"), [("1", False), ("", True)])
def test_a_terminal_without_colors_gets_no_escape_sequences(no_color: str, escapes: bool) -> None:
    code = "from fullsend.cli.output import print_table; print_table(('a', 'b'), [('1', '2')])"
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "TERM"}}
    subprocess.run(
        [sys.executable, "-c", code],
        stdout=theirs,
        env={**environment, "TERM": "xterm", "NO_COLOR": no_color},
        timeout=60,
        check=True,
    )
    os.close(theirs)
    shown = os.read(ours, 65536)
    os.close(ours)
    assert (b"\x1b" in shown) is escapes


@pytest.mark.parametrize("columns", ["40", "60"])
def test_in_a_narrow_place_every_table_is_records(columns: str) -> None:
    @click.command()
    def table() -> None:
        print_table(("role", "served", "level"), [("coder", "yes", "write"), ("fix", "no", "read")])
        print_table(("what", "answer"), [("mint", "https://mint.example"), ("organization", "octo-org")])

    done = CliRunner().invoke(table, env={"COLUMNS": columns})
    assert done.stdout.splitlines() == [
        "role    coder",
        "served  yes",
        "level   write",
        "",
        "role    fix",
        "served  no",
        "level   read",
        "mint          https://mint.example",
        "organization  octo-org",
    ]


@pytest.mark.parametrize(
    ("columns", "shape"),
    [(80, "('a', 'b')"), (60, "('a', 'b')"), (60, "('', 'a', 'b')")],
    ids=["table", "pair", "record"],
)
def test_yes_and_no_have_a_color_and_stay_words(columns: int, shape: str) -> None:
    row = "('no', 'yes'), ('yes', 'no')" if shape == "('a', 'b')" else "('ok', 'yes', 'no')"
    code = f"from fullsend.cli.output import print_table; print_table({shape}, [{row}])"
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "NO_COLOR"}}
    subprocess.run(
        [sys.executable, "-c", code], stdout=theirs, env={**environment, "TERM": "xterm"}, timeout=60, check=True
    )
    os.close(theirs)
    shown = os.read(ours, 65536)
    os.close(ours)
    assert b"\x1b[32myes" in shown
    assert b"\x1b[31mno" in shown


def test_a_record_names_the_mark_that_has_no_heading_in_a_table() -> None:
    @click.command()
    def table() -> None:
        print_table(("", "rule", "outcome"), [("NO", "org", "org_not_allowed")])

    done = CliRunner().invoke(table, env={"COLUMNS": "60"})
    assert done.stdout.splitlines() == ["result   NO", "rule     org", "outcome  org_not_allowed"]


def test_an_error_has_one_form() -> None:
    @click.command()
    def fail() -> None:
        raise CommandError("It failed.", "do that", code="it_failed", request_id="r-1")

    done = CliRunner().invoke(fail)
    assert done.stderr == "error: It failed.\nFix: do that\nCode: it_failed, request id r-1\n"


@pytest.mark.parametrize("text", ["::set-env::x", "  ::set-env::x", "a\n\t::x", "a ##[add-path]b"])
def test_nothing_that_is_printed_is_a_command_to_a_runner(text: str) -> None:
    @click.command()
    def say() -> None:
        note(text)
        print_json({"a": text, text: 1})
        print_table(("a", "b"), [(text, "b")])
        print_table(("a", "b", "c"), [(text, "b", "c")])
        raise CommandError(text, text)

    for columns in ("40", "200"):
        done = CliRunner().invoke(say, env={"COLUMNS": columns})
        lines = (done.stdout + done.stderr).splitlines()
        assert not [line for line in lines if line.strip().startswith("::") or "##[" in line]
    assert json.loads(done.stdout.partition("}\n")[0] + "}")["a"] == text


def test_a_message_with_its_own_fix_gets_no_second_one() -> None:
    assert error_text("It failed. Fix: do this.", "--help shows the usage") == "error: It failed. Fix: do this."
    assert error_text("It failed.", "do that") == "error: It failed.\nFix: do that"
