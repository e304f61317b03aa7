"""Break each thing that the doctor checks: the doctor finds it, and the printed command fixes it."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fullsend.operate.model import names as ours
from fullsend_sandbox import names
from mintcore.policy.names import Role
from mintcore.secret import Secret
from tests.integration.operate.mint_variables import variables

if TYPE_CHECKING:
    from collections.abc import Callable

    from fullsend.operate.gcp.cloud import Cloud
    from tests.integration.operate.conftest import Operator

    Break = Callable[[Operator, Cloud], object]


TRIAGE = Role("triage")


def provider(cloud: Cloud) -> str:
    return cloud.location.provider(ours.MINT_POOL, ours.PROVIDER)


def respec(cloud: Cloud, **changes: object) -> None:
    found = cloud.federation.provider(provider(cloud))
    assert found is not None
    cloud.federation.update_provider(provider(cloud), replace(found.spec, **changes))  # type: ignore[arg-type]


def disable_provider(_: Operator, cloud: Cloud) -> None:
    iam = cloud.session.api("iam", "v1")
    iam.patch(provider(cloud), "disable it", {"disabled": True}, updateMask="disabled")


def take_access(_: Operator, cloud: Cloud) -> None:
    secrets = cloud.session.api("secretmanager", "v1")
    secrets.post(f"{cloud.location.secret(TRIAGE)}:setIamPolicy", "revoke access", {"policy": {}})


def lose_permissions(operator: Operator, _: Cloud) -> None:
    operator.world.github.change_permissions(operator.world.apps["triage"], {"contents": "read"})


def ask_again(operator: Operator, cloud: Cloud) -> None:
    app = operator.world.apps["triage"]
    before = dict(app.permissions)
    lose_permissions(operator, cloud)
    operator.world.github.change_permissions(app, before)


def pin_traffic(operator: Operator, cloud: Cloud) -> None:
    first = operator.state().service
    assert first is not None
    variables(cloud, RATE_LIMIT="60/minute")
    raw = cloud.run.service(cloud.location.service) or {}
    pinned = {"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", "revision": first.serving, "percent": 100}
    body = {"etag": raw["etag"], "template": raw["template"], "traffic": [pinned]}
    cloud.run.finish(cloud.run.update(cloud.location.service, body))


def collide(operator: Operator, cloud: Cloud) -> None:
    operator.done("mint", "enroll", "octo-org/app", "--as-spelled")
    variables(cloud, PER_REPO_WIF_REPOS="octo-org/app,octo/org-app")


def go_public_with_repo(operator: Operator, _: Cloud) -> None:
    operator.done("mint", "enroll", "octo-org/app", "--as-spelled")
    operator.done("mint", "deploy", "--public", "--source", str(operator.source))


def take_over(operator: Operator, _: Cloud) -> None:
    operator.world.github.rename_account(names.ORG, "new-name")
    operator.world.github.create_org(names.ORG)


BREAKS: dict[str, Break] = {
    "org_not_in_condition": lambda _, cloud: cloud.federation.set_condition(
        provider(cloud), "assertion.repository_owner == ''"
    ),
    "org_not_in_environment": lambda _, cloud: cloud.federation.set_condition(
        provider(cloud), "assertion.repository_owner in ['octo-org', 'bare-org']"
    ),
    "org_case_differs": lambda _, cloud: cloud.federation.set_condition(
        provider(cloud), "assertion.repository_owner == 'Octo-Org'"
    ),
    "condition_unfit": lambda _, cloud: cloud.federation.set_condition(
        provider(cloud), "assertion.repository_owner.startsWith('octo')"
    ),
    "provider_unusable": disable_provider,
    "pool_unusable": lambda _, cloud: cloud.federation.delete_pool(cloud.location.pool(ours.MINT_POOL)),
    "wrong_audience": lambda _, cloud: respec(cloud, audiences=("somebody-else",)),
    "wrong_issuer": lambda _, cloud: respec(cloud, issuer="https://gitlab.com"),
    "wrong_mapping": lambda _, cloud: respec(cloud, mapping={"google.subject": "assertion.sub"}),
    "secret_missing": lambda _, cloud: cloud.secrets.delete(cloud.location.secret(TRIAGE)),
    "secret_without_access": take_access,
    "secret_version_disabled": lambda _, cloud: cloud.secrets.disable(cloud.location.secret(TRIAGE), 1),
    "key_of_another_app": lambda operator, cloud: cloud.secrets.add_version(
        cloud.location.secret(TRIAGE), Secret(operator.pem("coder").read_text())
    ),
    "app_lacks_permission": lose_permissions,
    "permissions_not_accepted": ask_again,
    "installation_suspended": lambda operator, _: operator.world.github.suspend(
        operator.world.installations["triage", names.ORG]
    ),
    "app_not_installed": lambda operator, _: operator.done("mint", "enroll", names.BARE_ORG),
    "traffic_on_old_revision": pin_traffic,
    "threads_below_concurrency": lambda _, cloud: variables(cloud, THREADS="4"),
    "public_with_per_repo": go_public_with_repo,
    "provider_ids_collide": collide,
    "environment_mismatch": lambda _, cloud: variables(cloud, WIF_POOL_NAME="other-pool"),
    "no_workflow_files": lambda _, cloud: variables(cloud, ALLOWED_WORKFLOW_FILES=""),
    "source_drift": lambda _, cloud: variables(cloud, FULLSEND_SOURCE_SHA256="0" * 64),
    "builder_without_role": lambda operator, _: operator.plane.without_default_grants(),
    "condition_not_narrowed": lambda _, cloud: cloud.federation.set_condition(
        provider(cloud), "assertion.repository_owner == 'octo-org'"
    ),
    "renamed": lambda operator, _: operator.world.github.rename_account(names.ORG, "new-name"),
    "name_unknown": lambda operator, _: operator.done("mint", "enroll", "no-such-org", "--as-spelled"),
    "name_taken_over": take_over,
}


@pytest.mark.parametrize("code", BREAKS)
def test_the_doctor_finds_what_is_broken_and_its_command_fixes_it(operator: Operator, code: str) -> None:
    operator.deploy()
    cloud = operator.cloud()
    with cloud.session:
        BREAKS[code](operator, cloud)

    found = operator.run("mint", "doctor", "--json", "--source", str(operator.source))

    assert found.exit_code == 3, found.output
    findings = {one["code"]: one for one in json.loads(found.stdout)["findings"]}
    assert code in findings, found.output
    fix, *rest = findings[code]["fix"].splitlines()
    if code == "renamed":
        operator.done(*shlex.split(rest[0])[1:], "--yes")
    if fix.startswith("fullsend "):
        words = shlex.split(fix.replace("FILE.pem", str(operator.pem("triage"))))[1:]
        words += ["--source", str(operator.source)] if words[1] == "deploy" else []
        words += ["--yes"] if words[1] == "unenroll" else []
        words += ["--as-spelled"] if words[1] == "enroll" and "/" in words[2] else []
        operator.done(*words)
        left = operator.run("mint", "doctor", "--json", "--source", str(operator.source))
        assert code not in {one["code"] for one in json.loads(left.stdout)["findings"]}, left.output
    else:
        assert fix.startswith(("gcloud ", "An owner of ", "Add it on the App's page"))
