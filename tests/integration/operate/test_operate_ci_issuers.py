"""Issuers of other CI systems: added, replaced and removed, with Google's token service as the judge."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fullsend.operate.model import names as ours
from fullsend_sandbox.ci import KINDS, GitLabJob, KubernetesPod
from fullsend_sandbox.ci.kubernetes import KubernetesIssuer
from tests.integration.operate.ci_issuers import APP, GITLAB, added, exchange, started, variables, words_of

if TYPE_CHECKING:
    from pathlib import Path

    from fullsend_sandbox.ci import CIIssuer
    from tests.integration.operate.conftest import Operator


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
    assert "already has these settings" in added(operator, gitlab, *GITLAB, "--level", "read")


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
    assert "No entry of gitlab matches these options." in nothing.stderr

    done = operator.done("mint", "issuer", "remove", "gitlab", "--match", "project_id=12", "--yes", "--json")
    shown = json.loads(done.stdout)
    assert (shown["name"], shown["issuer_removed"]) == ("gitlab", False)
    assert [entry["match"]["project_id"] for entry in shown["callers_removed"]] == ["12"]
    assert "12" not in json.dumps(shown["issuer"]["callers"])

    assert [one["match"]["project_id"] for one in variables(operator)[1]] == ["4711"]
    assert exchange(operator, "ci-gitlab", gitlab.token(GitLabJob(project_id="12")))[0] == 401
    assert exchange(operator, "ci-gitlab", gitlab.token())[0] == 200
