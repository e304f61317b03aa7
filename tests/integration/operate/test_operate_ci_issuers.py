"""Issuers of other CI systems: added, listed, broken and removed, with Google's token service as the judge."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import urllib3

from fullsend.operate.model import names as ours
from fullsend.operate.model.edits import Edit
from fullsend.operate.model.issuer_edits import DropEntries, PutIssuer
from fullsend.operate.model.issuer_list import issuers
from fullsend.operate.plan.deployment_spec import DeploymentSpec
from fullsend.operate.plan.steps.service_steps import EditEnvironment
from fullsend_sandbox import names
from fullsend_sandbox.ci import KINDS, GitLabJob, KubernetesPod
from fullsend_sandbox.ci.kubernetes import KubernetesIssuer
from fullsend_sandbox.google.control_plane import ControlPlane
from mintcore.settings.callers import parse_entry
from tests.integration.operate.conftest import Operator
from tests.integration.operate.test_operate_at_once import all_at_once, deploy_beside

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fullsend.operate.gcp.cloud import Cloud
    from fullsend_sandbox.ci import CIIssuer
    from fullsend_sandbox.world import World

    Break = Callable[[Operator, Cloud], object]

APP = f"{names.ORG}/app"
GITLAB = ("--match", "project_id=4711", "--match", "ref_protected=true", "--as", APP, "--role", "triage")
CLUSTER = "https://kubernetes.default.svc.cluster.local"
REQUEST = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "scope": "https://www.googleapis.com/auth/cloud-platform",
    "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
    "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
}


@pytest.fixture
def gitlab(operator: Operator) -> CIIssuer:
    operator.deploy()
    return started(operator, "gitlab")


def started(operator: Operator, kind: str, **options: Any) -> CIIssuer:
    """Start an issuer in the operator's world, without the provider that the world writes with it."""
    issuer = operator.world.ci.add(kind, **options)
    operator.world.federation.remove_provider(ours.MINT_POOL, f"ci-{kind}")
    return issuer


def added(operator: Operator, issuer: CIIssuer, *words: str) -> str:
    return operator.done(
        "mint", "issuer", "add", issuer.kind, "--kind", issuer.kind, "--url", issuer.issuer, *words
    ).stderr


def exchange(operator: Operator, provider: str, token: str) -> tuple[int, str]:
    """Return what Google's token service answers to a token at a provider of the mint's pool."""
    audience = operator.world.federation.resource(ours.MINT_POOL, provider)
    fields = REQUEST | {"audience": audience, "subject_token": token}
    answer = urllib3.request(
        "POST",
        f"{operator.world.sts.url}/v1/token",
        body=urlencode(fields),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    return answer.status, answer.json().get("error", "")


def variables(operator: Operator) -> tuple[Any, Any]:
    environment = operator.state().environment
    return json.loads(environment.get("ISSUERS", "{}")), json.loads(environment.get("CALLERS", "[]"))


def words_of(issuer: CIIssuer, *more: str) -> tuple[str, ...]:
    pairs = [word for claim, value in issuer.match.items() for word in ("--match", f"{claim}={value}")]
    return (*pairs, "--as", APP, "--role", "triage", *more)


def test_google_admits_the_jobs_of_an_entry_of_each_kind_and_no_others(operator: Operator) -> None:
    operator.deploy()
    for kind in sorted(KINDS):
        issuer = started(operator, kind)
        added(operator, issuer, *words_of(issuer))

        assert exchange(operator, f"ci-{kind}", issuer.token()) == (200, ""), kind
        assert exchange(operator, f"ci-{kind}", issuer.forged_token())[0] == 400, kind
        operator.done("mint", "issuer", "remove", kind, "--as", APP, "--yes")
        assert exchange(operator, f"ci-{kind}", issuer.token()) == (401, "unauthorized_client"), kind
    assert variables(operator)[1] == []


def test_an_issuer_is_its_provider_and_two_variables(operator: Operator, gitlab: CIIssuer) -> None:
    said = added(operator, gitlab, *GITLAB, "--level", "read")

    assert variables(operator) == (
        {"gitlab": {"kind": "gitlab", "url": gitlab.issuer}},
        [
            {
                "issuer": "gitlab",
                "match": {"project_id": "4711", "ref_protected": "true"},
                "as": APP,
                "roles": ["triage"],
                "level": "read",
            }
        ],
    )
    spec = operator.state().providers["ci-gitlab"].spec
    assert spec.condition == "assertion.project_id == '4711' && assertion.ref_protected == 'true'"
    assert spec.audiences == (
        "fullsend-mint",
        f"https:{operator.world.federation.resource(ours.MINT_POOL, 'ci-gitlab')}",
    )
    assert "gitlab is an issuer of the mint." in said
    assert exchange(operator, "ci-gitlab", gitlab.token(GitLabJob(protected=False)))[0] == 401
    assert operator.doctor().exit_code == 0
    assert "as asked for already" in added(operator, gitlab, *GITLAB, "--level", "read")


def test_a_second_run_adds_an_entry_and_the_same_match_changes_its_role(
    operator: Operator, gitlab: CIIssuer
) -> None:
    added(operator, gitlab, *GITLAB)
    match = {"project_id": "12", "ref": "refs/heads/rel-*", "ref_protected": "true"}
    entry = json.dumps({"match": match, "as": APP, "roles": ["triage"]})
    operator.done("mint", "issuer", "add", "gitlab", "--caller", entry)
    operator.done("mint", "issuer", "add", "gitlab", *GITLAB, "--level", "read")

    listed = variables(operator)[1]
    assert [(one["match"]["project_id"], one.get("level")) for one in listed] == [("4711", "read"), ("12", None)]
    assert listed[1]["match"]["ref_path"] == "refs/heads/rel-*"
    for job, status in (
        (GitLabJob(), 200),
        (GitLabJob(project_id="12", ref="rel-1"), 200),
        (GitLabJob(project_id="12", ref="main"), 401),
        (GitLabJob(project_id="47"), 401),
    ):
        assert exchange(operator, "ci-gitlab", gitlab.token(job))[0] == status, job


def test_a_file_replaces_all_entries_of_one_issuer(operator: Operator, gitlab: CIIssuer, tmp_path: Path) -> None:
    added(operator, gitlab, *GITLAB)
    file = tmp_path / "callers.json"
    entry = {"match": {"namespace_id": "9", "ref_protected": "true"}, "as": APP, "roles": ["triage"]}
    file.write_text(json.dumps([entry]))

    operator.done("mint", "issuer", "add", "gitlab", "--callers", str(file), "--replace")

    assert variables(operator)[1] == [{"issuer": "gitlab", **entry}]
    assert exchange(operator, "ci-gitlab", gitlab.token(GitLabJob()))[0] == 401


def test_a_cluster_that_google_cannot_reach_has_its_keys_uploaded(operator: Operator, tmp_path: Path) -> None:
    operator.deploy()
    issuer = started(operator, "kubernetes", issuer="https://cluster.invalid")
    assert isinstance(issuer, KubernetesIssuer)
    keys = tmp_path / "jwks.json"
    keys.write_text(issuer.jwks_text())

    added(operator, issuer, *words_of(issuer), "--jwks-file", str(keys))

    assert exchange(operator, "ci-kubernetes", issuer.token()) == (200, "")
    assert exchange(operator, "ci-kubernetes", issuer.token(KubernetesPod(service_account="other")))[0] == 401
    pod = ("--match", "kubernetes.io/namespace=x", "--match", "kubernetes.io/serviceaccount/name=y")
    added(operator, issuer, *pod, "--as", APP, "--role", "triage")
    assert operator.state().providers["ci-kubernetes"].spec.keys, "an entry that is added keeps the key set"
    operator.done("mint", "issuer", "remove", "kubernetes", "--yes")
    added(operator, issuer, *words_of(issuer))
    assert not operator.state().providers["ci-kubernetes"].spec.keys, "a name that comes back trusts no old key set"
    assert exchange(operator, "ci-kubernetes", issuer.token())[0] == 400
    operator.done("mint", "issuer", "add", "kubernetes", "--jwks-file", str(keys))
    assert exchange(operator, "ci-kubernetes", issuer.token()) == (200, "")
    operator.done("mint", "issuer", "add", "kubernetes", "--no-jwks-file")
    assert exchange(operator, "ci-kubernetes", issuer.token())[0] == 400


def test_an_issuer_is_removed_with_its_provider_and_entries_after_a_question(
    operator: Operator, gitlab: CIIssuer
) -> None:
    added(operator, gitlab, *GITLAB)
    asked = operator.run("mint", "issuer", "remove", "gitlab")
    assert asked.exit_code == 2
    assert "Its jobs can no longer mint; they act for octo-org/app." in asked.stderr
    assert variables(operator)[0] == {"gitlab": {"kind": "gitlab", "url": gitlab.issuer}}

    operator.done("mint", "issuer", "remove", "gitlab", "--yes")

    assert variables(operator) == ({}, [])
    assert operator.state().providers["ci-gitlab"].state == "DELETED"
    assert exchange(operator, "ci-gitlab", gitlab.token())[0] == 400
    again = operator.done("mint", "issuer", "remove", "gitlab", "--yes", "--json")
    assert "The mint has no issuer gitlab." in again.stderr
    expected = {"name": "gitlab", "issuer_removed": False, "callers_removed": [], "issuer": None}
    assert json.loads(again.stdout) == expected
    added(operator, gitlab, *GITLAB)
    assert exchange(operator, "ci-gitlab", gitlab.token()) == (200, "")


def test_one_entry_is_removed_and_the_others_stay(operator: Operator, gitlab: CIIssuer) -> None:
    added(operator, gitlab, *GITLAB)
    operator.done("mint", "issuer", "add", "gitlab", "--match", "project_id=12", "--as", APP, "--role", "triage")
    nothing = operator.done("mint", "issuer", "remove", "gitlab", "--match", "project_id=13", "--yes")
    assert "No entry of gitlab has these." in nothing.stderr

    done = operator.done("mint", "issuer", "remove", "gitlab", "--match", "project_id=12", "--yes", "--json")
    shown = json.loads(done.stdout)
    assert (shown["name"], shown["issuer_removed"]) == ("gitlab", False)
    assert [entry["match"]["project_id"] for entry in shown["callers_removed"]] == ["12"]
    assert "12" not in json.dumps(shown["issuer"]["callers"])

    assert [one["match"]["project_id"] for one in variables(operator)[1]] == ["4711"]
    assert exchange(operator, "ci-gitlab", gitlab.token(GitLabJob(project_id="12")))[0] == 401
    assert exchange(operator, "ci-gitlab", gitlab.token())[0] == 200


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


def write(cloud: Cloud, **values: str) -> None:
    EditEnvironment(Edit(set_variables=tuple(values.items()))).apply(cloud)


def upload_to_github(_: Operator, cloud: Cloud) -> None:
    name = cloud.location.provider(ours.MINT_POOL, ours.PROVIDER)
    found = cloud.federation.provider(name)
    assert found is not None
    keys = KubernetesIssuer(issuer=CLUSTER).jwks_text()
    cloud.federation.update_provider(name, replace(found.spec, keys=keys))


def on_ci(cloud: Cloud) -> str:
    return cloud.location.provider(ours.MINT_POOL, "ci-gitlab")


BREAKS: dict[str, Break] = {
    "issuer_condition_differs": lambda _, cloud: cloud.federation.set_condition(
        on_ci(cloud), "assertion.sub != ''"
    ),
    "issuer_provider_unusable": lambda _, cloud: cloud.federation.delete_provider(on_ci(cloud)),
    "uploaded_keys": upload_to_github,
    "issuer_not_in_environment": lambda _, cloud: write(cloud, ISSUERS="", CALLERS=""),
}


def test_the_doctor_finds_a_broken_issuer_and_its_command_fixes_it(operator: Operator, gitlab: CIIssuer) -> None:
    added(operator, gitlab, *GITLAB)
    cloud = operator.cloud()
    for code, damage in BREAKS.items():
        with cloud.session:
            damage(operator, cloud)

        found = operator.run("mint", "doctor", "--json", "--source", str(operator.source))

        assert found.exit_code == 3, code
        [finding] = [one for one in json.loads(found.stdout)["findings"] if one["kind"] == "problem"]
        assert finding["code"] == code
        words = shlex.split(finding["fix"])[1:]
        words += ["--source", str(operator.source)] if words[1] == "deploy" else []
        operator.done(*words, *(["--yes"] if "remove" in words else []))
        assert operator.doctor().exit_code == 0, code
        status = 400 if code == "issuer_not_in_environment" else 200
        assert exchange(operator, "ci-gitlab", gitlab.token())[0] == status, code


def test_the_doctor_reads_what_an_issuer_publishes(operator: Operator, gitlab: CIIssuer) -> None:
    trust = ("--kind", "gitlab", "--url", f"{gitlab.issuer}/other")
    said = operator.done("mint", "issuer", "add", "gitlab", *trust, *GITLAB).stderr
    assert "warning: the issuer publishes no usable discovery document: /.well-known/" in said
    wrong = operator.doctor()
    assert wrong.exit_code == 3
    assert "/.well-known/openid-configuration answers 404" in wrong.stdout
    operator.done("mint", "issuer", "remove", "gitlab", "--yes")
    added(operator, gitlab, *GITLAB)
    gitlab.stop()
    silent = operator.doctor()
    assert silent.exit_code == 0
    assert "(issuer_not_reached)" in silent.stdout


def ask(url: str, token: str, **fields: str) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    answer = urllib3.request("POST", f"{url}/v1/token", json={"role": "triage"} | fields, headers=headers)
    body = answer.json()
    return answer.status, body.get("code") or body["granted_repos"]


def test_a_deployed_mint_mints_for_the_jobs_that_were_added(
    world: World, mint_source: Path, tmp_path: Path
) -> None:
    with ControlPlane(world) as plane:  # whose functions are real mints
        plane.new_project()
        operator = Operator(world, plane, mint_source, tmp_path)
        operator.deploy()
        gitlab, cluster = started(operator, "gitlab"), started(operator, "kubernetes", issuer=CLUSTER)
        keys = tmp_path / "jwks.json"
        keys.write_text(cluster.jwks_text())
        added(operator, gitlab, *GITLAB, "--level", "read")
        added(operator, cluster, *words_of(cluster), "--jwks-file", str(keys))
        url = plane.function_url()

        assert ask(url, gitlab.token()) == (200, [APP])
        assert ask(url, gitlab.token(), level="write") == (403, "permissions_not_allowed")
        assert ask(url, gitlab.token(GitLabJob(protected=False))) == (403, "claims_not_allowed")
        assert ask(url, cluster.token()) == (200, [APP]), "the mint cannot reach it, and Google has its keys"
        assert ask(url, cluster.forged_token()) == (401, "invalid_token")
        assert ask(url, world.issuer.token(world.job())) == (200, [APP])
        operator.done("mint", "issuer", "remove", "gitlab", "--yes")
        assert ask(url, gitlab.token()) == (401, "invalid_token")
        assert ask(url, world.issuer.token(world.job())) == (200, [APP])
