"""The per-run tool as runbooks call it: `python scripts/ops/codex_mint_tokens_per_run.py …`."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox.faults import Fail
from fullsend_sandbox.github.tokens import TokenStyle
from tests.integration.run_token.runbook import SCOPED

if TYPE_CHECKING:
    from fullsend_sandbox.world import World
    from tests.integration.run_token.runbook import Run


FULLSEND = str(Path(sys.executable).parent / "fullsend")


@pytest.mark.parametrize("style", list(TokenStyle))
def test_a_scoped_token_is_printed_masked_with_what_was_granted(world: World, tool: Run, style: TokenStyle) -> None:
    world.github.use_token_style(style)
    report = json.loads(tool(SCOPED).stdout)
    assert report["token_masked"] == "ghs_***"
    assert report["repositories"] == ["octo-org/secret-repo"]
    assert report["permissions"] == {"actions": "write", "contents": "read", "metadata": "read"}
    assert report["expires_at"].endswith("Z")


def test_a_token_for_five_hundred_repositories_is_made(world: World, tool: Run) -> None:
    repos = [f"repository-{number}" for number in range(500)]
    for name in repos:
        world.github.create_repo(f"octo-org/{name}")
    ran = tool(f"--owner octo-org --repo app --repositories {' '.join(repos)} --permissions contents:read mint")
    assert ran.returncode == 0, ran.stderr
    assert len(json.loads(ran.stdout)["repositories"]) == 500


def test_the_hash_finds_the_token_in_githubs_audit_log(world: World, tool: Run) -> None:
    report = json.loads(tool(SCOPED).stdout)
    assert [token.hashed for token in world.github.live_tokens()] == [report["hashed_token"]]


def test_a_runner_token_of_a_repository_is_printed_masked(world: World, tool: Run) -> None:
    report = json.loads(tool("--owner octo-org --repo builders runner-token").stdout)
    assert report["runner_token_masked"] == "***"
    assert world.github.traffic.count(path_prefix="/repos/octo-org/builders/actions/runners") == 1


def test_a_runner_token_takes_the_one_permission_it_needs_and_gives_the_rest_back(world: World, tool: Run) -> None:
    report = json.loads(tool("--owner octo-org --repo builders runner-token").stdout)
    assert report["permissions"] == {"administration": "write", "metadata": "read"}
    assert world.github.live_tokens() == []


def test_a_runner_token_of_an_organization_needs_no_repository(world: World, tool: Run) -> None:
    assert tool("--owner octo-org runner-token").returncode == 0
    assert world.github.traffic.count(path_prefix="/orgs/octo-org/actions/runners") == 1


def test_a_runner_token_works_although_github_does_not_know_the_fresh_token_yet(world: World, tool: Run) -> None:
    world.github.not_usable_for(1)
    assert tool("--owner octo-org --repo builders runner-token").returncode == 0


@pytest.mark.parametrize("words", [SCOPED, "--owner octo-org --repo builders runner-token", "revoke"])
def test_print_headers_adds_the_rate_limit_buckets(tool: Run, words: str) -> None:
    report = json.loads(tool(f"{words} --print-headers").stdout)
    assert {"limit", "remaining", "reset"} <= set(report["rate_limit"]["core"])


@pytest.mark.parametrize("words", [SCOPED, "--owner octo-org --repo builders runner-token", "revoke"])
def test_no_output_holds_a_token_or_the_key(world: World, tool: Run, words: str) -> None:
    world.github.use_token_style(TokenStyle.STATELESS)
    done = tool(words)
    printed = done.stdout.replace("ghs_***", "") + done.stderr
    assert "ghs_" not in printed
    assert "PRIVATE KEY" not in printed


def test_a_key_in_a_file_does_as_well(tool: Run, environment: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text(environment["GITHUB_APP_PRIVATE_KEY_PEM"].replace("\\n", "\n"), encoding="utf-8")
    assert tool(SCOPED, GITHUB_APP_PRIVATE_KEY_PEM="", GITHUB_APP_PRIVATE_KEY_PATH=str(path)).returncode == 0


def test_the_alias_of_the_allowlist_does_as_well(tool: Run) -> None:
    done = tool(SCOPED, CODEX_NET_ALLOWLIST="", CODEX_ALLOWLIST_HOSTS="api.github.com, 127.0.0.1")
    assert done.returncode == 0


def test_dry_run_says_what_would_be_asked_for_and_asks_for_nothing(world: World, tool: Run) -> None:
    plan = json.loads(tool(f"{SCOPED} --dry-run").stdout)
    assert plan["permissions"] == {"contents": "read", "actions": "write"}
    assert len(world.github.traffic) == 0


def test_a_passing_failure_of_github_is_ridden_out(world: World, tool: Run) -> None:
    world.github.faults.add(Fail(502), times=1)
    assert tool(SCOPED).returncode == 0


def test_fullsend_run_token_is_the_same_tool(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [FULLSEND, "run-token", *shlex.split(SCOPED)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout)["action"] == "mint"
