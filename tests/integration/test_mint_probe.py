"""`fullsend mint probe` in a job, against the real mint."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from fullsend.cli.root import cli
from tests.fork.client import fork_server

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World

    Probe = Callable[..., subprocess.CompletedProcess[str]]

FULLSEND = str(Path(sys.executable).parent / "fullsend")
GOOD = """
- name: the own repository is granted
  request: {role: triage, repos: [app]}
  expect: {granted_repos: [octo-org/App], granted_permissions: {contents: read, issues: write, metadata: read}}
- name: a role that is not served is refused
  request: {role: nobody}
  expect: {code: role_not_allowed}
- name: without a token
  bearer: none
  request: {role: triage}
  expect: {code: missing_bearer}
- name: with an invalid token
  bearer: invalid
  request: {role: triage}
  expect: {status: 401, code: invalid_token}
"""


@pytest.fixture
def run(world: World, hosted_mint: MintProcess, tmp_path: Path) -> Probe:
    """Give a function that probes the mint with a file."""
    environment = {
        "PATH": os.environ["PATH"],
        "LC_ALL": "C.UTF-8",
        **world.issuer.job_environment(world.job()),
        "GITHUB_API_URL": world.github.api_url,
        "FULLSEND_MINT_URL": hosted_mint.url,
    }
    file = tmp_path / "probe.yaml"

    def probe(text: str, *options: str) -> subprocess.CompletedProcess[str]:
        file.write_text(text, encoding="utf-8")
        words = [FULLSEND, "mint", "probe", "--expect", str(file), *options]
        return fork_server().run(words, env=environment, cwd=tmp_path)

    return probe


def test_grants_and_refusals_come_out_as_listed_and_no_token_lives_on(world: World, run: Probe) -> None:
    done = run(GOOD, "--json")
    assert (done.returncode, [entry["passed"] for entry in json.loads(done.stdout)]) == (0, [True] * 4)
    assert world.github.live_tokens() == []
    assert "ghs_" not in done.stdout + done.stderr


def test_an_answer_that_differs_fails_the_command_and_is_named(world: World, run: Probe) -> None:
    done = run(
        "[{name: payroll is refused, request: {role: triage, repos: [docs]}, expect: {code: scope_not_allowed}},"
        " {name: a, request: {role: triage, repos: [app]}, expect: {granted_repos: [octo-org/docs]}},"
        " {name: b, request: {role: triage, repos: [app]}, expect: {granted_permissions: {issues: read}}}]"
    )
    assert done.returncode == 1
    assert "status 200 instead of 403" in done.stdout
    assert "granted_repos octo-org/app instead of octo-org/docs" in done.stdout
    assert "granted_permissions contents:read issues:write metadata:read instead of issues:read" in done.stdout
    assert "3 of 3 answers differ" in done.stderr
    assert world.github.live_tokens() == []


def test_a_file_with_only_grants_is_pointed_out(run: Probe) -> None:
    done = run("[{name: a, request: {role: triage, repos: [app]}, expect: {status: 200}}]")
    assert done.returncode == 0
    assert "only grants or only refusals" in done.stderr


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "must hold a list"),
        ("{", "not YAML"),
        ("[{}]", "entry 1 must have name"),
        ("[{name: a, request: {role: x}, expect: {code: nope}}]", "'nope' is not a code"),
        ("[{name: a, request: [], expect: {status: 200}}]", "entry 1: request"),
        ("[{name: a, request: {}, expect: {}}]", "entry 1: expect"),
        ("[{name: a, request: {}, expect: {status: yes}}]", "status must be a number"),
        ("[{name: a, request: {}, bearer: mine, expect: {status: 200}}]", "bearer must be"),
        ("[{name: a, request: {}, expect: {code: token_spent, granted_repos: []}}]", "grants nothing"),
    ],
)
def test_a_file_that_cannot_be_meant_is_a_usage_error(run: Probe, text: str, sentence: str) -> None:
    done = run(text)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr


def test_a_file_that_cannot_be_read_is_named_once(tmp_path: Path) -> None:
    missing, binary = tmp_path / "missing", tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    for path, sentence in (
        (missing, "cannot be read: No such file or directory"),
        (binary, "is not text in UTF-8"),
    ):
        done = CliRunner().invoke(cli, ["mint", "probe", "--mint-url", "https://m.example", "--expect", str(path)])
        assert done.exit_code == 2
        assert done.stderr == f"error: {path} {sentence}.\nFix: See docs/operate.md, Probe a mint\n"
