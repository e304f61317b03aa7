"""The real gcloud deploys a working mint with the commands of README and `deploy/gcloud.sh`."""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest
import urllib3

from fullsend.operate.model.names import MintLocation
from fullsend_sandbox import names
from tests.conftest import ROOT
from tests.gcloud.gcloud_shell import Shell, env_yaml, prepare
from tests.gcloud_sdk import needs_gcloud

if TYPE_CHECKING:
    from pathlib import Path

    from fullsend_sandbox.world import World

pytestmark = needs_gcloud


@pytest.fixture
def clone(tmp_path: Path, shell: Shell) -> Path:
    """Copy what git holds of the checkout, as a fresh clone does, with the environment file filled in."""
    folder = tmp_path / "clone"
    folder.mkdir()
    listed = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listed, capture_output=True, check=True, timeout=60).stdout.decode().split("\0")
    for name in files:
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
            (folder / name).chmod((ROOT / name).stat().st_mode)
    (folder / "deploy" / "env.yaml").write_text(env_yaml(shell))
    return folder


def minted(world: World, url: str) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {world.issuer.token(world.job())}"}
    answer = urllib3.request("POST", f"{url}/v1/token", json={"role": "triage"}, headers=headers, retries=False)
    return answer.status, answer.json().get("repository_selection", answer.data.decode())


def test_the_deploy_script_ends_in_a_mint_that_mints(world: World, shell: Shell, clone: Path) -> None:
    prepare(shell)
    said = shell.done(f"deploy/gcloud.sh {names.PROJECT_ID}", clone)
    url = said.rpartition("FULLSEND_MINT_URL=")[2].strip()
    assert minted(world, url) == (200, "selected")


@pytest.mark.gcloud
def test_the_readmes_command_ends_in_a_mint_that_mints(world: World, shell: Shell, clone: Path) -> None:
    prepare(shell)
    readme = (ROOT / "README.md").read_text()
    [command] = re.findall(r"^\$ (gcloud functions deploy (?:.*\\\n)*.*)$", readme, re.MULTILINE)
    words = shlex.split(command.replace("\\\n", " ").replace("my-project", names.PROJECT_ID))
    shell.done(shlex.join(words), clone)
    assert minted(world, shell.plane.function_url()) == (200, "selected")


@pytest.mark.gcloud
def test_services_are_read_and_changed_as_the_docs_say(world: World, shell: Shell, clone: Path) -> None:
    prepare(shell)
    shell.done(f"deploy/gcloud.sh {names.PROJECT_ID}", clone)
    where = "fullsend-mint --region us-central1"
    shell.done(f"gcloud run services update {where} --quiet --update-env-vars OIDC_AUDIENCE=other")
    service = shell.json(f"gcloud run services describe {where} --format json")
    container = service["spec"]["template"]["spec"]["containers"][0]
    assert {"name": "OIDC_AUDIENCE", "value": "other"} in container["env"]
    revisions = shell.json(f"gcloud run revisions list --service {where} --format json")
    assert len(revisions) == 2
    first = revisions[-1]["metadata"]["name"]
    shell.done(f"gcloud run services update-traffic {where} --quiet --to-revisions {first}=100")
    assert "allTrafficOnLatestRevision" not in shell.done(
        "gcloud functions describe fullsend-mint --gen2 --region us-central1"
    )
    shell.done(f"gcloud run services update-traffic {where} --quiet --to-latest")
    assert minted(world, shell.plane.function_url())[0] == 401
    assert "\tNOTICE\tmint triage: denied to an unproven caller: invalid_token" in shell.done(
        MintLocation(names.PROJECT_ID).read_log()
    )
    assert shell.done(MintLocation(names.PROJECT_ID, "europe-west1").read_log()) == ""
    shell.done("gcloud functions delete fullsend-mint --gen2 --region us-central1 --quiet")
    assert shell.json("gcloud functions list --format json") == []


@pytest.mark.gcloud
def test_metrics_and_alert_policies_are_created_as_the_docs_say(shell: Shell) -> None:
    shell.plane.enable()
    for metric in sorted((ROOT / "deploy" / "alerts" / "metrics").glob("*.json")):
        shell.done(f"gcloud logging metrics create {metric.stem} --config-from-file {metric}")
    for policy in sorted((ROOT / "deploy" / "alerts" / "policies").glob("*.json")):
        shell.done(f"gcloud alpha monitoring policies create --policy-from-file {policy}")
    listed = shell.json("gcloud logging metrics list --format json")
    assert {"fullsend_mint_denied", "fullsend_mint_latency"} <= {one["name"] for one in listed}


@pytest.mark.gcloud
def test_secrets_keep_what_gcloud_checks(shell: Shell) -> None:
    shell.plane.enable()
    shell.done("gcloud secrets create a --replication-policy automatic")
    shell.done(f"gcloud secrets versions add a --data-file {shell.pem('triage')}")
    shell.done("gcloud secrets versions destroy 1 --secret a --quiet")
    assert "destroyTime" in shell.done("gcloud secrets versions describe 1 --secret a")
