"""Files for secrets are private, and a GitHub file keeps values apart."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from fullsend.cli.files import append_output
from fullsend.cli.retry_notice import retry_policy
from fullsend.cli.root import cli
from fullsend.failure import BadInput
from fullsend.private_file import write_private

if TYPE_CHECKING:
    from pathlib import Path


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


def test_a_file_of_the_runner_that_cannot_be_written_is_named_before_anything_is_sent() -> None:
    words = ["mint", "token", "--mint-url", "http://127.0.0.1:9", "--role", "triage", "--github-output"]
    result = CliRunner().invoke(cli, words, env={"GITHUB_OUTPUT": "/nonexist/x"})
    assert result.exit_code == 2
    assert result.output == (
        "error: GITHUB_OUTPUT names a file that cannot be written: /nonexist/x: No such file or directory.\n"
        "Fix: Do not set GITHUB_OUTPUT: the runner sets it for each step. If the runner set it, check its disk.\n"
    )


def test_a_skipped_mint_is_named_on_stderr_as_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    retry_policy(1).on_skip(f"Skipped ##[x] {'ghs_' + 's' * 36}")
    told = capsys.readouterr()
    assert (told.out, told.err.startswith("Skipped ## [x] "), "ghs_ss" in told.err) == ("", True, False)
