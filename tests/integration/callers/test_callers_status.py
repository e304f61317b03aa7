"""`fullsend mint status` in a job, and what narrows a token."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.integration.callers.job_commands import FULLSEND, Run

if TYPE_CHECKING:
    from fullsend_sandbox.world import World


def test_a_table_that_stdout_does_not_take_is_one_sentence(environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["bash", "-c", '"$0" mint status >/dev/full', FULLSEND],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    error, fix = done.stderr.splitlines()
    assert error == "error: standard output cannot be written: No space left on device."
    assert fix.startswith("Fix: ")


def test_status_lists_the_roles(mint: Run) -> None:
    answer = json.loads(mint("status", "--json").stdout)
    assert (answer["org"], answer["workflow_allowed"]) == ("octo-org", True)
    assert "triage" in answer["roles"]


def test_status_is_3_where_the_workflow_would_be_refused(world: World, mint: Run) -> None:
    job = world.job(workflow="octo-org/app/.github/workflows/own.yml@refs/heads/main")
    done = mint("status", **world.issuer.job_environment(job))
    assert done.returncode == 3
    assert "`fullsend mint status --role ROLE`" in done.stderr


def test_status_of_a_role_shows_each_rule(mint: Run) -> None:
    done = mint("status", "--role", "triage", "--repos", "app,docs")
    assert (done.returncode, done.stderr) == (0, "")
    assert "role triage on app, docs" in done.stdout
    for rule in ("org", "workflow_repo", "workflow_file", "role"):
        assert re.search(rf"│ ok +│ {rule} +│", done.stdout), rule


def test_a_tokens_level_and_permissions_are_narrowed(world: World, mint: Run) -> None:
    words = "token --role coder --repos octo-org/app --level read --permission contents:read --format json"
    done = mint(*words.split())
    granted = json.loads(done.stdout)
    assert granted["granted_repos"] == ["octo-org/app"]
    assert granted["granted_permissions"] == {"contents": "read", "metadata": "read"}
    assert len(world.github.live_tokens()) == 1


def test_status_of_a_role_says_which_rule_refuses_and_what_to_change(world: World, mint: Run) -> None:
    job = world.job(workflow="octo-org/app/.github/workflows/own.yml@refs/heads/main")
    done = mint("status", "--role", "triage", **world.issuer.job_environment(job))
    assert done.returncode == 3
    assert re.search(
        r"│ NO +│ workflow_repo +│ the workflow lives in octo-org/app .*│ workflow_not_allowed", done.stdout
    )
    assert done.stderr.startswith("workflow_repo: The workflow lives in octo-org/app, and this mint trusts")
    assert "fullsend mint status" not in done.stderr


def test_status_of_a_role_as_json_has_the_rules_as_the_mint_gives_them(mint: Run) -> None:
    done = mint("status", "--role", "nobodys", "--repos", "app", "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["request"]) == (3, {"role": "nobodys", "repos": ["app"]})
    assert (answer["allowed"], answer["workflow_allowed"]) == (False, True)
    [failed] = [rule for rule in answer["rules"] if not rule["passed"]]
    assert (failed["rule"], failed["code"]) == ("role", "role_not_allowed")
    assert set(answer["rules"][0]) == {"rule", "passed", "found", "expected"}


@pytest.mark.parametrize(
    "words", [["--repos", "app"], ["--role", "triage", "--project", "p"], ["--role", "triage", "octo-org"]]
)
def test_status_of_a_role_is_asked_in_a_job(mint: Run, words: list[str]) -> None:
    assert mint("status", *words).returncode == 2
