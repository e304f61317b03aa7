"""Deploy the uploaded mint through Google's API, request a token, and enroll another name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import urllib3

from fullsend_sandbox.google.control_plane import ControlPlane
from tests.unit.sandbox.google.google_operator import (
    ACCOUNT,
    NUMBER,
    Operator,
    real_source,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fullsend_sandbox.job import Job
    from fullsend_sandbox.world import World


@pytest.fixture
def operator(world: World) -> Iterator[Operator]:
    with ControlPlane(world) as control_plane:
        control_plane.new_project()
        control_plane.enable()
        at_work = Operator(control_plane)
        yield at_work
        at_work.close()


def mint(world: World, url: str, job: Job) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {world.issuer.token(job)}"}
    with urllib3.PoolManager(retries=False, timeout=30) as http:
        answer = http.request("POST", f"{url}/v1/token", json={"role": "triage"}, headers=headers)
        return answer.status, answer.json().get("code", "")


def test_a_mint_that_is_deployed_mints_and_a_patch_of_its_environment_takes_hold(
    world: World, operator: Operator
) -> None:
    operator.make_account()
    operator.make_provider()
    secret = operator.make_secret("fullsend-triage-app-pem", world.apps["triage"].private_key_pem)
    bindings = [{"role": "roles/secretmanager.secretAccessor", "members": [f"serviceAccount:{ACCOUNT}"]}]
    operator.secrets.setIamPolicy(resource=secret, body={"policy": {"bindings": bindings}}).execute()
    body = operator.function(
        real_source(),
        ALLOWED_ORGS="octo-org",
        ROLE_APP_IDS=json.dumps({"triage": str(world.apps["triage"].id)}),
        ALLOWED_WORKFLOW_FILES="triage.yml",
        GCP_PROJECT_NUMBER=NUMBER,
        WIF_POOL_NAME="fullsend-pool",
        WIF_PROVIDER_NAME="github-oidc",
    )
    body["serviceConfig"]["serviceAccountEmail"] = ACCOUNT
    assert "error" not in operator.create(body)
    operator.open_door()
    url = operator.service()["uri"]

    assert mint(world, url, world.job()) == (200, "")
    assert mint(world, url, world.job(repository="other-org/app")) == (403, "org_not_allowed")

    changed = operator.with_variable(operator.service(), "ALLOWED_ROLES", "coder,triage")
    env = changed["template"]["containers"][0]["env"]
    next(one for one in env if one["name"] == "ROLE_APP_IDS")["value"] = '{"coder": "1", "triage": "2"}'
    assert "error" not in operator.patch(changed, "template")
    # The App ID is not the key's now, and the very next request meets the new revision.
    assert mint(world, url, world.job())[0] != 200

    unusable = operator.with_variable(operator.service(), "OIDC_AUDIENCE_TYPO", "x")
    env = unusable["template"]["containers"][0]["env"]
    next(one for one in env if one["name"] == "ROLE_APP_IDS")["value"] = "not json"
    failed = operator.patch(unusable, "template")
    assert "ROLE_APP_IDS" in failed["error"]["message"]
    assert urllib3.request("GET", f"{url}/health", retries=False).status == 200
