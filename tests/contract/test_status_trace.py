"""`/v1/status` shows a caller every rule for a request, and only for the caller's own case."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.exchange import Got, send
from tests.contract.modes import MODES, StartMode
from tests.contract.table import Sent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World

RULES = [
    "org", "workflow_repo", "workflow_file", "role", "level", "permissions", "claims", "ids", "workflow_refs",
    "repo_scope",
]  # fmt: skip


def ask(mint: MintProcess, world: World, query: str, **job: str) -> Got:
    token = world.issuer.token(world.job(**job))
    return send(mint.url, Sent(token, b"", "GET", f"/v1/status?{query}"))


@pytest.mark.parametrize("mode", MODES)
def test_a_caller_sees_every_rule_pass(mode: str, world: World, shared_mints: Mapping[str, MintProcess]) -> None:
    got = ask(shared_mints[mode], world, "role=coder&repos=app,docs")
    assert got.status == 200
    assert got.json["request"] == {"role": "coder", "repos": ["app", "docs"]}
    assert got.json["allowed"] is True
    assert [(rule["rule"], rule["passed"]) for rule in got.json["rules"]] == [(name, True) for name in RULES]


@pytest.mark.parametrize("mode", MODES)
def test_a_rule_that_fails_has_the_code_a_mint_would_answer_and_what_to_change(
    mode: str, world: World, shared_mints: Mapping[str, MintProcess]
) -> None:
    here = "octo-org/.fullsend/.github/workflows"
    got = ask(shared_mints[mode], world, "role=nobody", workflow=f"{here}/evil.yml@refs/heads/main")
    assert got.json["allowed"] is False
    failed = {rule["rule"]: rule for rule in got.json["rules"] if not rule["passed"]}
    assert {name: rule["code"] for name, rule in failed.items()} == {
        "workflow_file": "workflow_not_allowed",
        "role": "role_not_allowed",
    }
    assert "ALLOWED_WORKFLOW_FILES" in failed["workflow_file"]["change"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("query", "named"),
    [("role=coder&repo=docs", ["'repo'"]), ("rolle=coder", ["'rolle'"]), ("role=coder&x=1", []), ("", [])],
)
def test_a_misspelled_parameter_is_named_in_a_warning(
    mode: str, query: str, named: list[str], world: World, shared_mints: Mapping[str, MintProcess]
) -> None:
    got = ask(shared_mints[mode], world, query)
    assert got.status == 200
    warnings = got.json.get("warnings", [])
    assert [words in warning for words, warning in zip(named, warnings, strict=True)] == [True] * len(named)


def test_the_trace_names_no_other_organization(world: World, start_mode: StartMode) -> None:
    mint = start_mode("hosted", ALLOWED_ORGS="octo-org,other-org", PER_REPO_WIF_REPOS="other-org/app")
    got = ask(mint, world, "role=coder", workflow="octo-org/app/.github/workflows/triage.yml@refs/heads/main")
    assert got.json["allowed"] is False
    assert "other-org" not in got.text


def test_asking_costs_no_call_to_github(world: World, shared_mints: Mapping[str, MintProcess]) -> None:
    world.github.traffic.clear()
    assert ask(shared_mints["hosted"], world, "role=coder&repos=*").json["request"]["repos"] == ["*"]
    assert world.github.traffic.count() == 0


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("role=Coder", "invalid_role"),
        ("role=coder&role=fix", "invalid_role"),
        ("role=%ff%fe", "invalid_role"),
        ("role=", "role_required"),
        ("repos=app", "role_required"),
        ("role=coder&repos=octo-org/app", "invalid_repos"),
        ("role=coder&repos=app,,docs", "invalid_repos"),
        ("role=coder&repos=*,app", "invalid_repos"),
        ("role=coder&repos=..", "invalid_repos"),
        ("role=coder&repos=", "invalid_repos"),
        ("role=coder&repos=app&repos=", "invalid_repos"),
        ("role=coder&level=", "invalid_level"),
        ("role=coder&repos=app&target_org=", "invalid_target_org"),
        ("role=coder&repos=" + ",".join(f"r{n}" for n in range(501)), "too_many_repos"),
    ],
)
def test_a_question_is_held_to_the_rules_for_a_token_request(
    query: str, code: str, world: World, shared_mints: Mapping[str, MintProcess]
) -> None:
    got = ask(shared_mints["hosted"], world, query)
    assert (got.status, got.json["code"]) == (400, code)


def test_an_organization_that_is_not_served_is_refused_and_sees_no_trace(
    world: World, shared_mints: Mapping[str, MintProcess]
) -> None:
    got = ask(shared_mints["hosted"], world, "role=coder", repository="other-org/app")
    assert (got.status, got.json["code"]) == (403, "org_not_allowed")
    assert "rules" not in got.json
