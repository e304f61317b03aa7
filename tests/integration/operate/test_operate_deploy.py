"""From an empty project to a mint that mints, and what a deployment does and does not do."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox import names
from fullsend_sandbox.google.control_plane import ControlPlane
from tests.gcloud_sdk import commands_in
from tests.integration.operate.conftest import Operator

if TYPE_CHECKING:
    from fullsend_sandbox.world import World


def test_a_deployed_mint_mints_a_token_for_a_job(world: World, mint_source: Path, tmp_path: Path) -> None:
    with ControlPlane(world) as plane:
        plane.new_project()
        operator = Operator(world, plane, mint_source, tmp_path)
        printed = operator.deploy().stdout
        url = printed.partition("FULLSEND_MINT_URL=")[2].strip()

        done = subprocess.run(
            [Path(sys.executable).parent / "fullsend", "mint", "token", "--role", "triage", "--mint-url", url],
            env={**operator.process_environment(), **world.issuer.job_environment(world.job())},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

        assert done.returncode == 0, done.stderr + "\n".join(plane.logs())
        assert done.stdout.startswith("ghs_")


def test_a_dry_run_prints_the_steps_and_writes_nothing(operator: Operator) -> None:
    shown = operator.deploy("--dry-run")

    assert "1. enable the APIs" in shown.stdout
    assert "create the provider github-oidc" in shown.stdout
    assert operator.plane.writes == 0


def test_emitted_commands_have_every_step_and_no_key(operator: Operator) -> None:
    shown = operator.deploy("--emit", "gcloud")

    assert [words[1] for words in commands_in(shown.stdout)] == [
        *("services", "iam", "iam", "iam", "iam", "secrets", "secrets", "secrets", "functions", "run", "functions"),
    ]
    assert "PRIVATE KEY" not in shown.output
    assert operator.plane.writes == 0


def test_emitted_commands_name_files_and_source_by_whole_paths_so_that_they_run_in_any_folder(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(operator.folder)
    shutil.copytree(operator.source, "my source")
    role = f"triage={operator.world.apps['triage'].id}:triage.pem"

    shown = operator.deploy("--emit", "gcloud", "--source", "my source", "--role", role)

    words = commands_in(shown.stdout)
    given = {
        line[line.index(option) + 1] for line in words for option in ("--source", "--data-file") if option in line
    }
    assert given == {str(operator.folder / "my source"), str(operator.pem("triage"))}


def test_a_variable_that_the_mint_does_not_look_at_is_refused_with_the_nearest_that_it_does(
    operator: Operator,
) -> None:
    refused = operator.run(*operator.deploy_words("--env", "RATE_LIMT=60/minute"))
    assert refused.exit_code == 2
    assert "RATE_LIMT is not a variable of the hosted mint" in refused.output
    assert "Did you mean RATE_LIMIT?" in refused.output
    assert operator.plane.writes == 0


@pytest.mark.parametrize(
    ("variable", "instead"),
    [
        ("ALLOWED_ORGS=x", "fullsend mint unenroll ORG"),
        ('ROLE_APP_IDS={"coder": "1"}', "fullsend mint remove-role"),
        ("FULLSEND_SOURCE_SHA256=x", "automatically"),
    ],
)
def test_what_a_command_looks_after_is_not_overwritten_by_a_variable(
    operator: Operator, variable: str, instead: str
) -> None:
    operator.deploy()
    before = operator.plane.writes
    for words in ((), ("--dry-run",)):
        refused = operator.run("mint", "deploy", "--source", str(operator.source), "--env", variable, *words)
        assert refused.exit_code == 2
        assert instead in refused.output
    assert operator.plane.writes == before


def test_a_workflow_file_is_added_by_its_option_and_taken_out_by_the_variable(operator: Operator) -> None:
    operator.deploy("--workflow-files", "coder.yml")
    assert operator.state().environment["ALLOWED_WORKFLOW_FILES"] == "triage.yml,coder.yml"
    words = ("mint", "deploy", "--source", str(operator.source))
    operator.done(*words, "--env", "ALLOWED_WORKFLOW_FILES=coder.yml")
    assert operator.state().environment["ALLOWED_WORKFLOW_FILES"] == "coder.yml"


def test_the_same_source_is_not_built_again(operator: Operator) -> None:
    operator.deploy()
    before = operator.state().service

    again = operator.deploy()

    assert "upload the source" not in again.output
    after = operator.state().service
    assert before is not None
    assert after is not None
    assert after.serving == before.serving


def test_another_source_is_built_and_keeps_what_was_enrolled_since(operator: Operator, tmp_path: Path) -> None:
    operator.deploy()
    operator.done("mint", "enroll", names.OTHER_ORG)
    changed = tmp_path / "changed"
    subprocess.run(["cp", "-r", operator.source, changed], check=True)
    (changed / "main.py").write_text((changed / "main.py").read_text() + "# changed\n")

    operator.done("mint", "deploy", "--source", str(changed))

    state = operator.state()
    assert state.environment["ALLOWED_ORGS"] == f"{names.ORG},{names.OTHER_ORG}"
    assert "other-org" in state.providers["github-oidc"].spec.condition


def test_the_environment_is_what_the_mint_starts_with(operator: Operator) -> None:
    operator.deploy()
    variables = operator.state().environment
    assert variables["GCP_PROJECT_NUMBER"] == names.PROJECT_NUMBER
    assert json.loads(variables["ROLE_APP_IDS"]) == {"triage": str(operator.world.apps["triage"].id)}
    assert variables["THREADS"] == "80"


def test_a_new_service_account_that_is_not_visible_yet_is_waited_for(operator: Operator) -> None:
    operator.plane.slow_service_accounts(2)
    operator.deploy()
    assert operator.doctor().exit_code == 0


def test_quota_for_a_moment_is_waited_out(operator: Operator) -> None:
    operator.plane.limit("iam.*", 2)
    operator.deploy()
    assert operator.state().account


def test_a_key_of_another_app_is_refused_before_anything_is_written(operator: Operator) -> None:
    wrong = f"triage={operator.world.apps['triage'].id}:{operator.pem('coder')}"
    refused = operator.run("mint", "deploy", "--source", str(operator.source), "--role", wrong)
    assert refused.exit_code == 1
    assert "does not accept the key" in refused.output
    assert operator.plane.writes == 0


def test_another_audience_reaches_the_providers_of_single_repositories_too(operator: Operator) -> None:
    operator.deploy()
    for repo in ("other-org/app", "octo-org/tool"):
        operator.done("mint", "enroll", repo, "--as-spelled")
    audience = ("mint", "deploy", "--source", str(operator.source), "--env", "OIDC_AUDIENCE=my-mint")

    operator.done(*audience)

    providers = operator.state().providers
    assert {provider.spec.audiences[0] for provider in providers.values()} == {"my-mint"}
    assert providers["gh-other-org-app"].spec.condition == "assertion.repository == 'other-org/app'"
    assert operator.doctor().exit_code == 0
    assert "provider" not in operator.done(*audience, "--dry-run").stdout


def test_a_switch_to_public_and_back_keeps_the_listed_orgs(operator: Operator) -> None:
    operator.deploy()
    operator.done("mint", "deploy", "--public", "--source", str(operator.source))
    assert operator.state().providers["github-oidc"].spec.condition == "assertion.repository_owner != ''"
    assert operator.run("mint", "enroll", names.OTHER_ORG).exit_code == 2

    operator.done("mint", "deploy", "--no-public", "--source", str(operator.source))

    condition = operator.state().providers["github-oidc"].spec.condition
    assert condition.startswith(
        f"assertion.repository_owner == '{names.ORG}' && assertion.repository_owner_id in ["
    )


def test_a_build_account_without_its_role_is_named_before_the_upload(operator: Operator) -> None:
    operator.plane.without_default_grants()
    refused = operator.run(*operator.deploy_words())
    assert refused.exit_code == 1
    assert "lacks roles/cloudbuild.builds.builder" in refused.stderr
    assert "gcloud projects add-iam-policy-binding" in refused.stderr
    assert operator.state().function is None

    failed = operator.run(*operator.deploy_words("--skip-build-check"))

    assert failed.exit_code == 1
    assert "missing permission on the build service account" in failed.stderr
    account = operator.plane.project.default_account
    grant = f"--member=serviceAccount:{account} --role=roles/cloudbuild.builds.builder"
    assert grant in failed.stderr
    findings = {one["code"]: one for one in json.loads(operator.run("mint", "doctor", "--json").stdout)["findings"]}
    assert grant in findings["builder_without_role"]["fix"]
    assert "missing permission on the build service account" in findings["function_not_active"]["what"]
    operator.plane.grant_above("roles/cloudbuild.builds.builder", account)
    operator.deploy("--skip-build-check")


@pytest.mark.parametrize(
    ("roles", "builds"),
    [
        (("cloudbuild.builds.builder",), True),
        (("logging.logWriter", "artifactregistry.writer", "storage.objectViewer"), True),
        (("logging.logWriter", "artifactregistry.writer"), False),
        (("cloudbuild.builds.editor",), False),
    ],
)
def test_the_check_before_the_upload_says_what_cloud_build_does(
    operator: Operator, roles: tuple[str, ...], builds: bool
) -> None:
    bindings = [
        {"role": f"roles/{role}", "members": [f"serviceAccount:{operator.plane.project.default_account}"]}
        for role in roles
    ]
    cloud = operator.cloud()
    projects = cloud.session.api("cloudresourcemanager", "v3")
    operator.plane.enable()
    projects.post(f"projects/{names.PROJECT_ID}:setIamPolicy", "grant", {"policy": {"bindings": bindings}})
    checked = operator.run(*operator.deploy_words()).exit_code
    unchecked = operator.run(*operator.deploy_words("--skip-build-check")).exit_code
    assert (checked == 0, unchecked == 0) == (builds, builds)


def test_required_claims_reach_the_mint_and_google(operator: Operator) -> None:
    operator.deploy("--require", "event_name=push,workflow_dispatch")
    state = operator.state()
    assert json.loads(state.environment["REQUIRED_CLAIMS"]) == {"event_name": ["push", "workflow_dispatch"]}
    condition = state.providers["github-oidc"].spec.condition
    assert condition.endswith(" && (assertion.event_name in ['push', 'workflow_dispatch'])")
    refused = operator.run("mint", "deploy", "--source", str(operator.source), "--require", "event_name")
    assert refused.exit_code == 2


@pytest.mark.parametrize("values", [",", " ", " , "])
def test_a_requirement_of_only_commas_does_not_end_it(operator: Operator, values: str) -> None:
    operator.deploy("--require", "event_name=push")
    refused = operator.run("mint", "deploy", "--source", str(operator.source), "--require", f"event_name={values}")
    assert (refused.exit_code, "write event_name= to remove" in refused.output) == (2, True), refused.output
    assert json.loads(operator.state().serving_environment["REQUIRED_CLAIMS"]) == {"event_name": ["push"]}
