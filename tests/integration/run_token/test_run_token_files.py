"""The per-run tool's `--token-file`, and what `revoke` ends."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest

from tests.integration.run_token.runbook import SCOPED

if TYPE_CHECKING:
    from pathlib import Path

    from fullsend_sandbox.world import World
    from tests.integration.run_token.runbook import Run


def test_revoke_ends_the_token_made_for_the_run(world: World, tool: Run) -> None:
    assert json.loads(tool("revoke").stdout)["result"] == "revoked"
    assert world.github.live_tokens() == []


def test_revoke_without_a_file_says_which_token_it_ended(tool: Run) -> None:
    done = tool("revoke --owner octo-org --repo secret-repo")
    assert "made a new token and revoked it; an earlier token stays valid" in done.stderr


def test_a_token_kept_in_a_private_file_is_the_one_that_revoke_ends(
    world: World, tool: Run, tmp_path: Path
) -> None:
    kept = tmp_path / "token"
    tool(f"{SCOPED} --token-file {kept}")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    results = [json.loads(tool(f"revoke --token-file {kept}").stdout)["result"] for _ in range(2)]
    assert results == ["revoked", "already gone"]
    assert world.github.live_tokens() == []


def test_a_token_that_github_does_not_know_may_never_have_been_one(tool: Run, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("ghs_" + "x" * 36, encoding="utf-8")
    done = tool(f"revoke --token-file {path}")
    assert json.loads(done.stdout)["result"] == "already gone"
    assert "or is another GitHub's" in done.stderr


def test_other_text_than_a_github_token_is_neither_sent_nor_reported_as_revoked(
    world: World, tool: Run, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    path.write_text("garbage", encoding="utf-8")
    done = tool(f"revoke --token-file {path}")
    assert (done.returncode, done.stdout, "not a GitHub token" in done.stderr) == (2, "", True)
    assert len(world.github.traffic) == 0


def test_a_file_that_is_not_there_is_said_not_to_be(tool: Run, tmp_path: Path) -> None:
    done = tool(f"revoke --token-file {tmp_path / 'none'}")
    assert (done.returncode, "No such file or directory" in done.stderr) == (2, True)


def test_a_lost_token_is_reported_to_live_on(tool: Run) -> None:
    done = tool(SCOPED)
    assert f"valid until {json.loads(done.stdout)['expires_at']}" in done.stderr


def test_where_there_was_no_token_none_is_said_not_to_be_kept(tool: Run) -> None:
    assert "kept" not in tool("--repositories nowhere mint").stderr


@pytest.mark.parametrize("words", [SCOPED, "--owner octo-org --repo builders runner-token"])
def test_nothing_is_minted_for_an_output_that_is_not_a_regular_file(
    world: World, tool: Run, tmp_path: Path, words: str
) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    done = tool(f"{words} --token-file {link}")
    assert (done.returncode, "is a symbolic link" in done.stderr) == (2, True)
    assert len(world.github.traffic) == 0


@pytest.mark.parametrize("words", [SCOPED, "--owner octo-org --repo builders runner-token"])
def test_nothing_is_minted_for_a_folder_that_is_not_there(
    world: World, tool: Run, tmp_path: Path, words: str
) -> None:
    done = tool(f"{words} --token-file {tmp_path / 'nowhere' / 'token'}")
    assert (done.returncode, "does not exist" in done.stderr) == (2, True)
    assert len(world.github.traffic) == 0


def test_a_token_that_cannot_be_kept_is_revoked(world: World, tool: Run, tmp_path: Path) -> None:
    done = tool(f"{SCOPED} --token-file {tmp_path / ('x' * 300)}")
    assert (done.returncode, "cannot be written" in done.stderr) == (1, True)
    assert world.github.traffic.count(path_prefix="/installation/token", method="DELETE") == 1
    assert world.github.live_tokens() == []


def test_revoke_reads_a_token_through_a_link(world: World, tool: Run, tmp_path: Path) -> None:
    kept, link = tmp_path / "token", tmp_path / "link"
    tool(f"{SCOPED} --token-file {kept}")
    link.symlink_to(kept)
    assert json.loads(tool(f"revoke --token-file {link}").stdout)["result"] == "revoked"
    assert world.github.live_tokens() == []
