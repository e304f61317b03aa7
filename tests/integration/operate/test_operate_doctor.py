"""Each thing that the doctor knows of, broken: it is found, and the printed command fixes it."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fullsend.operate.model import names as ours
from fullsend.operate.model.edits import Edit
from fullsend.operate.plan.steps.service_steps import EditEnvironment
from fullsend_sandbox import names
from mintcore.policy.names import Role
from mintcore.secret import Secret
from tests.audited_mint import AuditedMint
from tests.conftest import ROOT
from tests.contract.exchange import send
from tests.contract.table import Sent

if TYPE_CHECKING:
    from collections.abc import Callable

    from fullsend.operate.gcp.cloud import Cloud
    from tests.integration.operate.conftest import Operator

    Break = Callable[[Operator, Cloud], object]

FULLSEND = str(Path(sys.executable).parent / "fullsend")
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


def variables(cloud: Cloud, **values: str) -> None:
    EditEnvironment(Edit(set_variables=tuple(values.items()))).apply(cloud)


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


def test_the_doctor_has_nothing_to_say_of_a_new_mint_and_writes_nothing(operator: Operator) -> None:
    operator.deploy()
    before = operator.plane.writes
    found = operator.doctor()
    assert (found.exit_code, found.stdout) == (0, "")
    assert operator.plane.writes == before


def test_the_doctor_shows_githubs_limit_of_each_app_and_reports_one_that_is_nearly_used_up(
    operator: Operator,
) -> None:
    operator.deploy()
    well = operator.doctor()
    assert re.search(r"GitHub accepts 49\d\d of 5000 requests of the App \S+ until \d\d:\d\d UTC\.", well.stderr)

    operator.world.github.leave_requests(499)
    found = operator.run("mint", "doctor", "--json", "--source", str(operator.source))

    assert found.exit_code == 3
    told = json.loads(found.stdout)
    (finding,) = told["findings"]
    assert (finding["code"], finding["kind"]) == ("app_quota_low", "problem")
    (quota,) = told["quotas"].values()
    assert (quota["limit"], quota["remaining"]) == (5000, 498)


def test_a_key_that_the_operator_may_not_read_is_said_to_be_unchecked(operator: Operator) -> None:
    operator.deploy()
    operator.plane.deny("secretmanager.versions.access")
    found = operator.doctor()
    assert found.exit_code == 0
    assert "app_not_checked" in found.stdout
    assert "roles/secretmanager.secretAccessor" in found.stdout


def test_a_doctor_that_was_installed_without_the_source_looks_at_everything_else(
    operator: Operator, tmp_path: Path
) -> None:
    operator.deploy()
    site = tmp_path / "site-packages"
    for package in ("fullsend", "mintcore"):
        shutil.copytree(ROOT / package, site / package, ignore=shutil.ignore_patterns("__pycache__"))

    found = subprocess.run(
        [sys.executable, "-c", "from fullsend.cli import main; main()", "mint", "doctor"],
        env={**operator.process_environment(), "PYTHONPATH": str(site)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert found.returncode == 0, found.stderr
    assert "Nothing is wrong with the mint" in found.stderr
    assert found.stdout.startswith("Not checked:\n1. ")
    assert "(source_not_checked)" in found.stdout
    assert f"fullsend mint doctor --source CHECKOUT --project {names.PROJECT_ID}" in found.stdout
    assert len(found.stdout.splitlines()) == 3


def test_a_source_folder_without_a_mint_is_refused(operator: Operator, tmp_path: Path) -> None:
    operator.deploy()
    refused = operator.run("mint", "doctor", "--source", str(tmp_path))
    assert refused.exit_code == 2
    assert "is not the source of a mint" in refused.output


def test_an_old_mint_without_protections_is_healthy_and_told_how_to_report_first(operator: Operator) -> None:
    operator.deploy("--as-spelled")
    cloud = operator.cloud()
    variables(cloud, REPO_SCOPE="")

    found = operator.run("mint", "doctor", "--json", "--source", str(operator.source))

    assert found.exit_code == 0, found.output
    findings = {one["code"]: one for one in json.loads(found.stdout)["findings"]}
    assert {one["kind"] for one in findings.values()} == {"protection_off"}
    assert "deploy --repo-scope caller --env REPORT_ONLY=repo_scope" in findings["repo_scope_off"]["fix"]
    report_first, enroll = findings["ids_not_pinned"]["fix"].splitlines()
    assert report_first.startswith("To report first: fullsend mint deploy --env REPORT_ONLY=ids")
    assert enroll.startswith(f"fullsend mint enroll {names.ORG}")
    shown = operator.doctor().stdout
    assert shown.startswith("Protections that are off:\n1. ")
    assert "Fix: fullsend mint deploy" in shown


def test_grants_need_an_app_that_can_read_them_and_an_owner_who_accepts_it(operator: Operator) -> None:
    operator.deploy("--env", "GRANTS=1")
    github, app = operator.world.github, operator.world.apps["triage"]
    lacking = operator.doctor()
    assert (lacking.exit_code, "lacks actions_variables:read" in lacking.stdout) == (3, True)
    github.change_permissions(app, {**app.permissions, "actions_variables": "read"})
    waiting = operator.doctor()
    assert waiting.exit_code == 3
    assert f"{names.ORG} has not accepted actions_variables:read" in waiting.stdout
    assert "app_lacks_permission" not in waiting.stdout
    github.accept_permissions(operator.world.installations["triage", names.ORG])
    assert operator.doctor().exit_code == 0


def test_the_doctor_reads_a_real_mints_audit_file_and_names_whom_the_protections_would_stop(
    operator: Operator, tmp_path: Path
) -> None:
    world, log, pems = operator.world, tmp_path / "audit.jsonl", tmp_path / "pems"
    pems.mkdir()
    environment = world.standalone_environment(pems, AUDIT_LOG=f"file:{log}")
    with AuditedMint(environment, source=ROOT, command=("fullsend-mint",)) as mint:
        for repos, run_id in (["app"], "1"), (["docs"], "2"), (["docs"], "3"), (["nowhere"], "4"):
            token = world.issuer.token(world.job(run_id=run_id))
            got = send(mint.url, Sent(token, {"role": "triage", "repos": repos}))
            assert (got.status == 200) is (repos != ["nowhere"]), got.text
    operator.deploy("--repo-scope", "organization")
    before = operator.plane.writes

    done = subprocess.run(
        [FULLSEND, "mint", "doctor", "--source", str(operator.source), "--events", str(log), "--json"],
        env=operator.process_environment(), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    rehearsal = json.loads(done.stdout)["rehearsal"]
    assert (rehearsal["decided"], rehearsal["unreadable"]) == (3, 0)
    (stopped,) = rehearsal["stopped"]
    assert (stopped["rule"], stopped["repository"], stopped["times"]) == ("repo_scope", "octo-org/app", 2)
    assert "octo-org/docs" in stopped["change"]
    assert operator.plane.writes == before
    shown = operator.run("mint", "doctor", "--source", str(operator.source), "--events", str(log))
    assert "With every protection on, of 3 granted requests:\n" in shown.stdout
    assert "\n1. This job may not ask for octo-org/docs" in shown.stdout
    assert """keeps them with --repo-scope '{"triage": "organization", "*": "caller"}'""" in shown.stdout


@pytest.mark.parametrize("content", ["", "no event\n", '{"message": "x"}\n'])
def test_a_file_without_an_audit_event_is_refused(operator: Operator, tmp_path: Path, content: str) -> None:
    operator.deploy()
    file = tmp_path / "events.jsonl"
    file.write_text(content, encoding="utf-8")
    refused = operator.run("mint", "doctor", "--source", str(operator.source), "--events", str(file))
    assert (refused.exit_code, "found no audit event in" in refused.output) == (2, True), refused.output


def test_a_renamed_organization_is_not_asked_for_an_installation(operator: Operator) -> None:
    operator.deploy()
    operator.world.github.rename_account(names.ORG, "new-name")
    shown = operator.doctor()
    assert shown.exit_code == 3
    assert f"GitHub now knows {names.ORG} (id " in shown.stdout
    assert "as new-name" in shown.stdout
    assert "is not installed on" not in shown.stdout


def test_doctor_and_status_report_a_name_that_another_account_took_over(operator: Operator) -> None:
    operator.deploy()
    github = operator.world.github
    github.rename_account(names.ORG, "new-name")
    renamed = operator.run("mint", "status")
    assert (renamed.exit_code, "as new-name: its jobs are no longer admitted" in renamed.stdout) == (3, True)
    one = operator.run("mint", "status", names.ORG, "--json")
    assert (one.exit_code, json.loads(one.stdout)["renamed"]) == (3, True)

    github.create_org(names.ORG)
    shown = operator.doctor()
    assert shown.exit_code == 3
    assert "(name_taken_over)" in shown.stdout
    # An App on the new account would serve the wrong one.
    assert "is not installed on" not in shown.stdout
    taken = operator.run("mint", "status", "--json")
    assert taken.exit_code == 3
    assert [one["code"] for one in json.loads(taken.stdout)["changed_names"]] == ["name_taken_over"]


def test_an_organization_listed_for_single_repositories_is_not_to_be_enrolled(operator: Operator) -> None:
    operator.deploy()
    variables(
        operator.cloud(),
        ALLOWED_ORGS=f"{names.ORG},{names.OTHER_ORG}",
        FULLSEND_REPO_ONLY_ORGS=names.OTHER_ORG,
        PER_REPO_WIF_REPOS=f"{names.OTHER_ORG}/app",
    )
    shown = operator.doctor().stdout
    assert f"fullsend mint enroll {names.OTHER_ORG}/app" in shown
    assert f"fullsend mint enroll {names.OTHER_ORG} " not in shown


def test_a_deployment_shows_what_the_mint_will_warn_of(operator: Operator) -> None:
    operator.deploy()
    again = operator.run("mint", "deploy", "--source", str(operator.source), "--dry-run")
    assert "warning" not in again.output
    claim = operator.run(
        "mint", "deploy", "--source", str(operator.source), "--require", "evnt_name=push", "--dry-run"
    )
    assert "warning: REQUIRED_CLAIMS names evnt_name" in claim.stderr
    assert "did you mean event_name?" in claim.stderr
    role = operator.run(
        "mint", "deploy", "--source", str(operator.source), "--dry-run",
        "--repo-scope", '{"triag": "caller", "*": "caller"}',
    )  # fmt: skip
    assert "warning: REPO_SCOPE names the role triag" in role.stderr


def test_doctor_and_status_name_the_new_name_of_a_renamed_repository(operator: Operator) -> None:
    operator.deploy()
    people = operator.world.github.people
    operator.world.github.create_user("mona")
    people.make_owner("mona", names.ORG)
    owner = {"GH_TOKEN": people.classic_token("mona", ("admin:org", "repo"))}
    enrolled = operator.run("mint", "enroll", f"{names.ORG}/docs", **owner)
    assert enrolled.exit_code == 0, enrolled.output
    operator.world.github.rename_repo(f"{names.ORG}/docs", "papers")
    shown = operator.run("mint", "doctor", "--source", str(operator.source), **owner)
    assert f"as {names.ORG}/papers: its jobs are no longer admitted. (renamed)" in shown.stdout
    assert f"fullsend mint enroll {names.ORG}/papers" in shown.stdout
    one = operator.run("mint", "status", f"{names.ORG}/docs", **owner)
    assert (one.exit_code, f"as {names.ORG}/papers" in one.stdout) == (3, True)
    operator.world.github.create_repo(f"{names.ORG}/docs")
    taken = operator.run("mint", "status", **owner)
    assert (taken.exit_code, f"the enrolled repository is now {names.ORG}/papers" in taken.stdout) == (3, True)
