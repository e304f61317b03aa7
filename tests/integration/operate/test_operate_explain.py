"""`fullsend mint explain --project`: the configuration of the mint that serves, not of a file."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from fullsend.sandbox import names

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from tests.integration.operate.conftest import Operator


def explain(operator: Operator, folder: Path, role: str, **claims: Any) -> Result:
    now = int(time.time())
    given = {
        "iss": "https://token.actions.githubusercontent.com",
        "aud": "fullsend-mint",
        "exp": now + 300,
        "nbf": now,
        "iat": now,
        "repository": "octo-org/app",
        "repository_owner": "octo-org",
        "job_workflow_ref": "octo-org/.fullsend/.github/workflows/triage.yml@refs/heads/main",
    }
    path = folder / "claims.json"
    path.write_text(json.dumps(given | claims))
    return operator.run(
        "mint", "explain", "--claims", str(path), "--role", role, "--project", names.PROJECT_ID, "--json"
    )


def test_a_deployed_mints_own_configuration_decides(operator: Operator, tmp_path: Path) -> None:
    operator.deploy()
    answer = json.loads(explain(operator, tmp_path, "triage").stdout)
    assert answer["allowed"] is True
    found = {rule["rule"]: rule["expected"] for rule in answer["rules"]}
    assert "octo-org" in found["org"]
    assert "assertion.repository_owner" in found["sts"]


def test_what_it_does_not_serve_is_refused_with_the_servers_code(operator: Operator, tmp_path: Path) -> None:
    operator.deploy()
    refused = explain(operator, tmp_path, "triage", repository="other-org/app", repository_owner="other-org")
    assert refused.exit_code == 3
    assert json.loads(refused.stdout)["code"] == "org_not_allowed"


def test_a_project_without_a_mint_is_said_in_a_sentence(operator: Operator, tmp_path: Path) -> None:
    result = explain(operator, tmp_path, "triage")
    assert result.exit_code == 1
    assert "There is no mint in the project" in result.stderr


@pytest.mark.parametrize("more", [(), ("--env-file", "x", "--project", "p")])
def test_one_mint_has_to_be_named(more: tuple[str, ...], operator: Operator) -> None:
    result = operator.run("mint", "explain", "--claims", "c", "--role", "triage", *more)
    assert result.exit_code == 2
    assert "Say which mint" in result.stderr
