"""`fullsend mint explain --project`: the configuration of the mint that serves, not of a file."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from fullsend_sandbox import names

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
    given |= claims
    ids = json.loads(operator.state().environment.get("ENROLLED_IDS", "{}"))
    given["repository_owner_id"] = str(ids.get(given["repository_owner"], 7))
    path = folder / "claims.json"
    path.write_text(json.dumps(given))
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
    assert "has no mint in the region" in result.stderr


@pytest.mark.parametrize(
    ("more", "says"),
    [((), "Say which mint"), (("--env-file", "x", "--project", "p"), "name two mints: give one of them")],
)
def test_one_mint_has_to_be_named(more: tuple[str, ...], says: str, operator: Operator) -> None:
    words = ("mint", "explain", "--claims", "c", "--role", "triage", *more)
    result = operator.run(*words, GOOGLE_CLOUD_PROJECT=None)
    assert result.exit_code == 2
    assert says in result.stderr


def test_the_project_of_the_environment_is_taken_where_no_file_is_named(operator: Operator, tmp_path: Path) -> None:
    operator.deploy()
    (tmp_path / "claims.json").write_text('{"iss": "x"}')
    (tmp_path / "env").write_text('PEM_DIR=/pems\nROLE_APP_IDS={"triage": "1"}\n')
    words = ("mint", "explain", "--claims", str(tmp_path / "claims.json"), "--role", "triage", "--json")
    assert json.loads(operator.run(*words).stdout)["mode"] == "hosted"
    of_file = operator.run(*words, "--env-file", str(tmp_path / "env"))
    assert json.loads(of_file.stdout)["mode"] == "standalone"


def test_each_refusal_comes_with_the_operators_command_and_these_commands_end_it(
    operator: Operator, tmp_path: Path
) -> None:
    operator.deploy()
    workflow = "other-org/app/.github/workflows/coder.yml@refs/heads/main"
    claims = {"repository": "other-org/app", "repository_owner": "other-org", "job_workflow_ref": workflow}
    refused = json.loads(explain(operator, tmp_path, "coder", **claims).stdout)
    change = {rule["rule"]: rule["change"] for rule in refused["rules"] if rule["outcome"] == "failed"}
    where = f"--project {names.PROJECT_ID}"
    assert change["org"] == f"fullsend mint enroll other-org {where}"
    assert change["workflow_repo"].endswith(f": fullsend mint enroll other-org/app {where}")
    assert change["workflow_file"] == f"fullsend mint deploy --workflow-files coder.yml {where}"
    assert change["role"].endswith(
        f"To serve coder: fullsend mint add-role coder --app-id N --pem FILE.pem {where}"
    )
    more = {"workflow_file": ("--source", str(operator.source)), "workflow_repo": ("--as-spelled",)}
    for rule, replaced in change.items():
        command = replaced[replaced.index("fullsend mint ") :].replace("FILE.pem", str(operator.pem("coder")))
        words = command.replace("--app-id N", f"--app-id {operator.world.apps['coder'].id}").split()[1:]
        operator.done(*words, *more.get(rule, ()))
    assert json.loads(explain(operator, tmp_path, "coder", **claims).stdout)["allowed"] is True


def test_a_workflow_of_a_third_repository_is_not_enrolled_but_called_from_a_trusted_one(
    operator: Operator, tmp_path: Path
) -> None:
    operator.deploy()
    workflow = "other-org/tools/.github/workflows/triage.yml@refs/heads/main"
    refused = json.loads(explain(operator, tmp_path, "triage", job_workflow_ref=workflow).stdout)
    (change,) = [rule["change"] for rule in refused["rules"] if rule["outcome"] == "failed"]
    assert change.startswith("Let the job call a reusable workflow from a trusted repository.")
    assert "--env WORKFLOW_HOST_REPOS=fullsend-ai/fullsend,other-org/tools" in change
