"""What the per-run tool refuses before it sends anything, and how it reports what GitHub refuses."""

from __future__ import annotations

import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT
from tests.integration.run_token.runbook import SCOPED, SCRIPT

if TYPE_CHECKING:
    from pathlib import Path

    from fullsend_sandbox.world import World
    from tests.integration.run_token.runbook import Run


@pytest.mark.parametrize(
    "words",
    [
        "--repositories '' mint",
        "--repositories , mint",
        "--repositories ' ' mint",
        "mint --repositories --permissions contents:read",
        "mint --repositories",
        "mint --repo app --permissions ''",
        "mint --repo app --permissions ,",
        "mint --permissions --repo app",
    ],
)
def test_an_option_without_a_value_is_not_everything(world: World, tool: Run, words: str) -> None:
    ran = tool(words)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ("it is empty" in ran.stderr) or ("expected one argument" in ran.stderr), ran.stderr
    assert world.github.traffic.count() == 0


@pytest.mark.parametrize("missing", ["", "jwt"])
def test_the_script_needs_requests_and_pyjwt_and_says_so(
    environment: dict[str, str], tmp_path: Path, missing: str
) -> None:
    for name in filter(None, ["click", "rich", "yaml", "nacl", "googleapiclient", "urllib3", missing]):
        text = f"raise ModuleNotFoundError('no {name} here', name={name!r})"
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, SCRIPT, *shlex.split(SCOPED)],
        cwd=ROOT,
        env={**environment, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == (1 if missing else 0), done.stderr
    if missing:
        assert done.stderr == (
            "error: the Python package jwt is not installed.\nFix: pip install requests 'PyJWT[crypto]'\n"
        )


@pytest.mark.parametrize(
    "changes",
    [
        {"CODEX_NET_MODE": ""},
        {"CODEX_NET_MODE": "offline"},
        {"CODEX_NET_ALLOWLIST": ""},
        {"CODEX_NET_ALLOWLIST": "api.github.com"},
        {"CODEX_NET_ALLOWLIST": "127.0.0.1.example.com"},
    ],
)
def test_a_closed_network_guard_lets_nothing_out(world: World, tool: Run, changes: dict[str, str]) -> None:
    done = tool(SCOPED, **changes)
    assert done.returncode == 2  # nothing was sent
    assert "network guard" in done.stderr
    assert len(world.github.traffic) == 0


def test_an_installation_of_another_owner_is_noticed_and_its_token_revoked(world: World, tool: Run) -> None:
    done = tool("--owner other-org --repo secret-repo mint")
    assert done.returncode == 1
    assert "belongs to octo-org, not to other-org" in done.stderr
    assert world.github.live_tokens() == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--repositories nowhere mint", "422"),
        ("--permissions issues:write mint", "422"),
        ("--owner octo-org --repo builders --permissions contents:read runner-token", "403"),
    ],
)
def test_what_github_refuses_is_said_in_its_words_with_what_to_check(tool: Run, words: str, sentence: str) -> None:
    done = tool(words)
    assert (done.returncode, sentence in done.stderr) == (1, True)


def test_every_problem_of_the_environment_is_told_at_once(tool: Run) -> None:
    done = tool("revoke", GITHUB_APP_ID="", GITHUB_APP_INSTALLATION_ID="x", GITHUB_APP_PRIVATE_KEY_PEM="key")
    assert all(f"GITHUB_APP_{name}" in done.stderr for name in ("ID", "INSTALLATION_ID", "PRIVATE_KEY_PEM"))


@pytest.mark.parametrize(
    "words",
    ["--owner octo-org", "mint mint", "--permissions contents mint", "--owner ../x mint", "runner-token", "mind"],
)
def test_a_mistaken_command_line_is_status_2(tool: Run, words: str) -> None:
    assert tool(words).returncode == 2
