"""Issuers of other CI systems beside deployments, deletions and other operators."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fullsend.operate.model import names as ours
from fullsend.operate.model.issuer_edits import DropEntries, PutIssuer
from fullsend.operate.model.issuer_list import issuers
from fullsend.operate.plan.deployment_spec import DeploymentSpec
from fullsend_sandbox import names
from fullsend_sandbox.ci import GitLabJob
from mintcore.settings.callers import parse_entry
from tests.integration.operate.ci_issuers import APP, GITLAB, added, exchange, variables
from tests.integration.operate.test_operate_at_once import all_at_once, deploy_beside

if TYPE_CHECKING:
    from fullsend_sandbox.ci import CIIssuer
    from tests.integration.operate.conftest import Operator


def test_a_dry_run_shows_the_steps_and_writes_nothing(operator: Operator, gitlab: CIIssuer) -> None:
    before = operator.plane.writes
    shown = operator.done(
        "mint", "issuer", "add", "gitlab", "--kind", "gitlab", "--url", gitlab.issuer, *GITLAB, "--dry-run"
    )
    assert [line.partition(" (")[0].partition(": ")[0] for line in shown.stdout.splitlines()] == [
        "1. create the provider ci-gitlab with the condition",
        "2. set on the Cloud Run service and move traffic there once it is ready",
        "3. check that the provider ci-gitlab admits the entries of CALLERS",
    ]
    in_json = operator.done(
        "mint",
        "issuer",
        "add",
        "gitlab",
        "--kind",
        "gitlab",
        "--url",
        gitlab.issuer,
        *GITLAB,
        "--dry-run",
        "--json",
    )
    plan = json.loads(in_json.stdout)
    assert [f"{number}. {title}" for number, title in enumerate(plan["steps"], 1)] == shown.stdout.splitlines()
    nothing = operator.done("mint", "issuer", "remove", "gitlab", "--dry-run", "--json")
    assert json.loads(nothing.stdout) == {"dry_run": True, "steps": []}
    assert operator.plane.writes == before


def test_deploying_again_keeps_issuers_and_restores_their_providers(operator: Operator, gitlab: CIIssuer) -> None:
    added(operator, gitlab, *GITLAB)
    before = variables(operator)
    cloud = operator.cloud()
    with cloud.session:
        cloud.federation.set_condition(cloud.location.provider(ours.MINT_POOL, "ci-gitlab"), "assertion.sub == 'x'")

    operator.done("mint", "deploy", "--source", str(operator.source), "--env", "OIDC_AUDIENCE=other")

    assert variables(operator) == before
    assert exchange(operator, "ci-gitlab", gitlab.token(audience="other")) == (200, "")
    assert exchange(operator, "ci-gitlab", gitlab.token())[0] == 400
    assert operator.doctor().exit_code == 0
    for name in ("ISSUERS", "CALLERS"):
        refused = operator.run("mint", "deploy", "--source", str(operator.source), "--env", f"{name}=1")
        assert (refused.exit_code, "fullsend mint issuer add" in refused.stderr) == (2, True)


def test_deleting_the_mint_deletes_the_issuers_providers(operator: Operator, gitlab: CIIssuer) -> None:
    added(operator, gitlab, *GITLAB)
    operator.done("mint", "delete", "--yes")
    assert exchange(operator, "ci-gitlab", gitlab.token())[0] == 400
    operator.deploy()
    assert operator.state().providers["ci-gitlab"].state == "DELETED"


def test_an_unenrollment_names_the_entries_that_it_stops(operator: Operator, gitlab: CIIssuer) -> None:
    added(operator, gitlab, *GITLAB)
    operator.done("mint", "enroll", names.OTHER_ORG)
    assert "act for" not in operator.done("mint", "unenroll", names.OTHER_ORG, "--yes").stderr
    said = operator.done("mint", "unenroll", names.ORG, "--yes").stderr
    assert f"Jobs of other CI systems can no longer act for {names.ORG}: CALLERS[0]" in said


def test_a_list_is_a_table_records_in_few_columns_or_json(operator: Operator, gitlab: CIIssuer) -> None:
    assert "The mint accepts only GitHub's issuer." in operator.done("mint", "issuer", "list").stderr
    added(operator, gitlab, *GITLAB)
    wide = operator.run("mint", "issuer", "list", COLUMNS="160").stdout
    assert "project_id=4711, ref_protected=true" in wide
    assert "index" in wide, "messages name an entry as CALLERS[0]"
    narrow = operator.run("mint", "issuer", "list", COLUMNS="60").stdout
    assert "match     project_id=4711, ref_protected=true\n" in narrow.replace("match   ", "match     ")
    assert not set("┃│─") & set(narrow)
    [found] = json.loads(operator.done("mint", "issuer", "list", "--json").stdout)["issuers"]
    assert (found["name"], found["provider"]["state"]) == ("gitlab", "active")
    assert found["callers"][0]["as"] == APP
    status = operator.run("mint", "status", COLUMNS="200").stdout
    assert f"gitlab, {gitlab.issuer}; entries of CALLERS: 1" in status


def test_operators_add_entries_at_once_and_no_entry_is_lost(operator: Operator, gitlab: CIIssuer) -> None:
    added(operator, gitlab, *GITLAB)
    commands: list[tuple[str, ...]] = [
        ("mint", "issuer", "add", "gitlab", "--match", f"project_id={number}", "--as", APP, "--role", "triage")
        for number in range(6)
    ]
    all_at_once(operator, commands)
    assert {one["match"]["project_id"] for one in variables(operator)[1]} == {"4711", *map(str, range(6))}
    for number in range(6):
        assert exchange(operator, "ci-gitlab", gitlab.token(GitLabJob(project_id=str(number))))[0] == 200
    assert operator.doctor().exit_code == 0


def test_entries_that_change_during_a_build_are_kept_and_admitted_as_they_are_then(
    operator: Operator, gitlab: CIIssuer
) -> None:
    added(operator, gitlab, *GITLAB)
    issuer = issuers(operator.state().environment)["gitlab"]
    fields = {"issuer": "gitlab", "match": {"project_id": "12"}, "as": APP, "roles": ["triage"]}
    new = PutIssuer(issuer, (parse_entry(0, fields, {"gitlab": issuer}),))

    deploy_beside(operator, DeploymentSpec(), new, DropEntries("gitlab", (("project_id", "4711"),)))

    assert variables(operator)[1] == [fields]
    assert exchange(operator, "ci-gitlab", gitlab.token(GitLabJob(project_id="12"))) == (200, "")
    assert exchange(operator, "ci-gitlab", gitlab.token())[0] == 401
