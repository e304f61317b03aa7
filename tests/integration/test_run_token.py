"""The per-run tool as runbooks call it: `python scripts/ops/codex_mint_tokens_per_run.py …`."""

from __future__ import annotations

import json
import os
import shlex
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox.faults import Fail
from fullsend_sandbox.github.tokens import TokenStyle
from tests.fork.client import fork_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from fullsend_sandbox.world import World

    Run = Callable[..., subprocess.CompletedProcess[str]]

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = "scripts/ops/codex_mint_tokens_per_run.py"
FULLSEND = str(Path(sys.executable).parent / "fullsend")
PERMISSIONS = {
    "metadata": "read",
    "contents": "read",
    "actions": "write",
    "administration": "write",
    "organization_self_hosted_runners": "write",
}


@pytest.fixture
def environment(world: World) -> dict[str, str]:
    """Give the environment of the runbook, with an App that may do what the runbook does."""
    for name in ("secret-repo", "builders"):
        world.github.create_repo(f"octo-org/{name}")
    app = world.github.create_app("codex-runs", PERMISSIONS)
    installation = world.github.install_app(app, "octo-org")
    return {
        "PATH": os.environ["PATH"],
        "LC_ALL": "C.UTF-8",
        "GITHUB_APP_ID": str(app.id),
        "GITHUB_APP_INSTALLATION_ID": str(installation.id),
        "GITHUB_APP_PRIVATE_KEY_PEM": app.private_key_pem.decode().replace("\n", "\\n"),
        "CODEX_NET_MODE": "online_allowlist",
        "CODEX_NET_ALLOWLIST": "127.0.0.1",
        "GITHUB_API_URL": world.github.api_url,
    }


@pytest.fixture
def tool(environment: dict[str, str]) -> Run:
    """Give a function that runs the script with the words of one command line."""

    def run(words: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return fork_server().run([SCRIPT, *shlex.split(words)], env={**environment, **changes}, cwd=ROOT)

    return run


SCOPED = (
    "--owner octo-org --repo secret-repo --repositories secret-repo --permissions contents:read actions:write mint"
)


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


def test_revoke_ends_the_token_made_for_the_run(world: World, tool: Run) -> None:
    assert json.loads(tool("revoke").stdout)["result"] == "revoked"
    assert world.github.live_tokens() == []


def test_revoke_without_a_file_says_which_token_it_ended(tool: Run) -> None:
    done = tool("revoke --owner octo-org --repo secret-repo")
    assert "revoked a token that was minted just now, not an earlier one" in done.stderr


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


def test_dry_run_says_what_would_be_asked_for_and_asks_for_nothing(world: World, tool: Run) -> None:
    plan = json.loads(tool(f"{SCOPED} --dry-run").stdout)
    assert plan["permissions"] == {"contents": "read", "actions": "write"}
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
