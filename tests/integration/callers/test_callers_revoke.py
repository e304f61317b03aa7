"""`fullsend mint revoke`: the texts that it accepts as a token, and the answers that it accepts as revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox.faults import Fail
from tests.integration.callers.job_commands import UNKNOWN, Run

if TYPE_CHECKING:
    from pathlib import Path

    from fullsend_sandbox.world import World


def test_a_token_in_a_file_is_revoked_and_once_more_is_still_done(world: World, mint: Run, tmp_path: Path) -> None:
    target = str(tmp_path / "token")
    mint("token", "--role", "triage", "--out", target)
    assert [mint("revoke", "--token-file", target).returncode for _ in range(2)] == [0, 0]
    assert world.github.live_tokens() == []


def test_a_token_made_a_moment_ago_is_revoked_although_github_does_not_know_it_yet(
    world: World, mint: Run, tmp_path: Path
) -> None:
    target = str(tmp_path / "token")
    mint("token", "--role", "triage", "--out", target)
    world.github.faults.add(Fail(401, UNKNOWN), "/installation/token", times=1)
    assert mint("revoke", "--token-file", target).stderr == "token revoked\n"
    assert world.github.live_tokens() == []


def test_a_token_that_github_does_not_know_may_never_have_been_one(world: World, mint: Run) -> None:
    done = mint("revoke", GH_TOKEN="ghs_" + "x" * 36)
    assert done.returncode == 0
    said = "does not know the token: it was revoked or has expired, or is another GitHub's"
    assert done.stderr == f"{world.github.api_url} {said}\n"


@pytest.mark.parametrize("wrong", ["garbage", "eyJhbGciOiJSUzI1NiJ9.e30.c2ln", "ghs_first\nghs_second", ""])
def test_other_text_than_a_github_token_is_neither_sent_nor_reported_as_revoked(
    world: World, mint: Run, tmp_path: Path, wrong: str
) -> None:
    path = tmp_path / "token"
    path.write_text(wrong, encoding="utf-8")
    for done in (mint("revoke", GH_TOKEN=wrong), mint("revoke", "--token-file", str(path))):
        assert done.returncode == 2  # nothing was sent
        assert done.stderr.startswith("error: ")
    assert len(world.github.traffic) == 0


def test_a_variable_that_is_set_is_not_said_to_hold_nothing(mint: Run) -> None:
    assert "blanks or line breaks" in mint("revoke", GH_TOKEN="a\nb").stderr
    assert "No token was found in the variable GH_TOKEN." in mint("revoke", GH_TOKEN="").stderr


def test_revoke_takes_a_file_or_a_variable(world: World, mint: Run, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("ghs_" + "x" * 36, encoding="utf-8")
    done = mint("revoke", "--token-file", str(path), "--env", "GH_TOKEN")
    assert (done.returncode, "give one of them" in done.stderr) == (2, True)
    assert len(world.github.traffic) == 0


@pytest.mark.parametrize("form", ["json", "env"])
def test_revoke_reads_every_form_that_token_writes(world: World, mint: Run, tmp_path: Path, form: str) -> None:
    target = str(tmp_path / "token")
    mint("token", "--role", "triage", "--format", form, "--out", target)
    assert mint("revoke", "--token-file", target).returncode == 0
    assert world.github.live_tokens() == []
