"""Broken issuers of other CI systems and their fixes, and a deployed mint that mints for their jobs."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import urllib3

from fullsend.operate.model import names as ours
from fullsend.operate.model.edits import Edit
from fullsend.operate.plan.steps.service_steps import EditEnvironment
from fullsend_sandbox.ci import GitLabJob
from fullsend_sandbox.ci.kubernetes import KubernetesIssuer
from fullsend_sandbox.google.control_plane import ControlPlane
from tests.integration.operate.ci_issuers import APP, CLUSTER, GITLAB, added, exchange, started, words_of
from tests.integration.operate.conftest import Operator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fullsend.operate.gcp.cloud import Cloud
    from fullsend_sandbox.ci import CIIssuer
    from fullsend_sandbox.world import World

    Break = Callable[[Operator, Cloud], object]


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
