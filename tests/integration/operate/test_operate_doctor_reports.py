"""The doctor's reports on a healthy mint: skipped checks, protections that are off, jobs that they would deny."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox import names
from tests.audited_mint import AuditedMint
from tests.conftest import ROOT
from tests.contract.exchange import send
from tests.contract.table import Sent
from tests.integration.operate.mint_variables import variables

if TYPE_CHECKING:
    from tests.integration.operate.conftest import Operator


FULLSEND = str(Path(sys.executable).parent / "fullsend")


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
