"""The files and settings of `docs/other-ci.md`: valid for their platforms, and equal where they must be."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from fullsend.client.other_ci import PROJECTED_TOKEN, gitlab_variable
from fullsend_sandbox.ci import KINDS, BuildkiteJob, CircleCIJob, GitLabJob, KubernetesPod
from mintcore.policy.caller_rules import failing
from mintcore.settings.environment import StandaloneSettings, read_standalone

if TYPE_CHECKING:
    from fullsend_sandbox.ci import CIJob

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "other-ci.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"<!-- (\S+\.ya?ml) -->\n```yaml\n(.*?)```", PAGE, flags=re.DOTALL))
SCHEMAS = {
    ".gitlab-ci.yml": "vendor.gitlab-ci",
    ".buildkite/pipeline.yml": "vendor.buildkite",
    ".circleci/config.yml": "vendor.circle-ci",
}
SETTINGS = dict(re.findall(r"<!-- (\S+) settings -->\n```sh\n(.*?)```", PAGE, flags=re.DOTALL))
OPERATOR = {
    "ALLOWED_ORGS": "acme",
    "ROLE_APP_IDS": '{"triage": "1"}',
    "ALLOWED_WORKFLOW_FILES": "*",
    "REPO_SCOPE": "caller",
    "PEM_DIR": "./pems",
}
JOBS: dict[str, tuple[CIJob, list[CIJob]]] = {
    "gitlab": (
        GitLabJob(),
        [GitLabJob(protected=False), GitLabJob(project_id="4712"), GitLabJob(ref="main", ref_type="tag")],
    ),
    "buildkite": (
        BuildkiteJob(extra=("pipeline_id",)),
        [
            BuildkiteJob(),
            BuildkiteJob(extra=("pipeline_id",), tag="main"),
            BuildkiteJob(extra=("pipeline_id",), branch="main:x"),
            BuildkiteJob(extra=("pipeline_id",), pipeline_id="0184990a-4782-42b5-afc1-16715b10b1d1"),
        ],
    ),
    "circleci": (
        CircleCIJob(),
        [
            CircleCIJob(vcs_origin="github.com/fork/app"),
            CircleCIJob(vcs_ref="refs/heads/dev"),
            CircleCIJob(vcs_origin=None, vcs_ref=None),
            CircleCIJob(ssh_rerun=True),
            CircleCIJob(project_id="3a2f5b1c-7d4e-4f6a-9b8c-0d1e2f3a4b5d"),
        ],
    ),
    "kubernetes": (KubernetesPod(), [KubernetesPod(namespace="x"), KubernetesPod(service_account="default")]),
}
JOBS["kubernetes-file"] = JOBS["kubernetes"]
MINT = "fullsend mint exec --role triage -- gh issue list --repo acme/app"


def parsed(name: str) -> list[Any]:
    return list(yaml.safe_load_all(FILES[name]))


def problems(name: str, text: str) -> list[str]:
    """Return what the platform's schema finds in a file; the schemas are those that check-jsonschema brings."""
    from check_jsonschema.builtin_schemas import get_builtin_schema  # noqa: PLC0415 - see `require_valid`
    from jsonschema import validators  # noqa: PLC0415 - see `require_valid`

    schema = get_builtin_schema(SCHEMAS[name])
    validator = validators.validator_for(schema)(schema)
    return [error.message for error in validator.iter_errors(yaml.safe_load(text))]


def require_valid(document: dict[str, Any]) -> None:
    """Hold a document to Kubernetes' own schemas."""
    # Every worker imports this module, and jsonschema takes two seconds.
    import kubernetes_validate  # noqa: PLC0415

    kubernetes_validate.validate(document, "1.34", strict=True)


def test_the_page_has_a_file_for_each_system() -> None:
    assert set(FILES) == {*SCHEMAS, "kubernetes/job.yaml", "tekton/task.yaml"}


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_pipeline_file_fits_its_platforms_schema(name: str) -> None:
    assert problems(name, FILES[name]) == []


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        (".gitlab-ci.yml", "      aud: fullsend-mint", "      audience: fullsend-mint"),
        (".buildkite/pipeline.yml", "    branches: main", "    branches: {only: main}"),
        (".circleci/config.yml", "            branches:", "            branch:"),
    ],
)
def test_the_schema_would_find_a_mistake(name: str, good: str, bad: str) -> None:
    assert good in FILES[name]
    assert problems(name, FILES[name].replace(good, bad))


@pytest.mark.parametrize("document", parsed("kubernetes/job.yaml"), ids=lambda one: one["kind"])
def test_the_kubernetes_objects_are_valid(document: dict[str, Any]) -> None:
    require_valid(document)


def test_the_step_and_the_volume_of_the_tekton_task_are_valid_parts_of_a_pod() -> None:
    """Tekton's steps are containers, except for `script`, and its volumes are Kubernetes' own."""
    account, task, run = parsed("tekton/task.yaml")
    require_valid(account)
    steps = [{key: value for key, value in step.items() if key != "script"} for step in task["spec"]["steps"]]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": task["metadata"],
        "spec": {"containers": steps, "volumes": task["spec"]["volumes"]},
    }
    require_valid(pod)
    assert set(task["spec"]) == {"steps", "volumes"}
    assert set(run["spec"]) == {"serviceAccountName", "taskRef"}
    assert run["spec"]["taskRef"]["name"] == task["metadata"]["name"]


@pytest.mark.parametrize("name", ["kubernetes/job.yaml", "tekton/task.yaml"])
def test_a_pod_gets_the_token_at_the_clients_default_path(name: str) -> None:
    account, workload = parsed(name)[:2]
    pod = workload["spec"].get("template", workload)["spec"]
    mount = pod.get("containers", pod.get("steps"))[0]["volumeMounts"][0]
    source = pod["volumes"][0]["projected"]["sources"][0]["serviceAccountToken"]
    assert Path(mount["mountPath"]) / source["path"] == PROJECTED_TOKEN
    assert (mount["name"], source["audience"]) == (pod["volumes"][0]["name"], "fullsend-mint")
    assert account["metadata"]["name"] == "minter"


def test_the_gitlab_job_names_the_clients_variable() -> None:
    job = parsed(".gitlab-ci.yml")[0]["list-issues"]
    assert job["id_tokens"] == {gitlab_variable("fullsend-mint"): {"aud": "fullsend-mint"}}


def settings_of(name: str) -> StandaloneSettings:
    """Return what a mint reads from an example, in an otherwise plain environment."""
    given = dict(line.split("=", 1) for line in shlex.split(SETTINGS[name]))
    assert set(given) == {"ISSUERS", "CALLERS"}
    return read_standalone(OPERATOR | given)


@pytest.mark.parametrize("name", sorted(JOBS))
def test_the_settings_of_an_example_start_a_mint_without_a_warning(name: str) -> None:
    assert set(SETTINGS) == set(JOBS)
    settings = settings_of(name)
    assert settings.common.warnings == read_standalone(OPERATOR).common.warnings


@pytest.mark.parametrize("name", sorted(JOBS))
def test_the_entry_of_an_example_matches_its_job_and_no_other(name: str) -> None:
    settings = settings_of(name).common
    issuer, entry = settings.issuers[-1], settings.policy.callers[0]
    emulated = KINDS[issuer.kind.name](issuer=issuer.url)

    def missed(job: CIJob) -> list[str]:
        assert issuer.kind.job is not None
        return failing(entry, issuer.kind.job(emulated.claims(job), issuer.name))

    mine, others = JOBS[name]
    assert missed(mine) == []
    assert all(missed(job) for job in others)


def test_the_sandboxs_entries_are_those_of_the_page() -> None:
    for kind, issuer in KINDS.items():
        entry = json.loads(dict(line.split("=", 1) for line in shlex.split(SETTINGS[kind]))["CALLERS"])[0]
        assert set(issuer.match.items()) <= {*entry["match"].items(), ("ref_protected", "true")}


def test_the_files_install_from_where_the_client_is_until_a_release() -> None:
    assert "The project has no release yet" in PAGE, "then the files install from the registry"
    installs = re.findall(r"pip install .*", PAGE)
    assert len(installs) == 3
    assert all('"fullsend-mint[cli] @ git+https://' in line for line in installs)


def commands(name: str) -> list[str]:
    """Return the shell lines of a file, in order."""
    document = parsed(name)[0]
    if name == ".gitlab-ci.yml":
        job = document["list-issues"]
        return [*job["before_script"], *job["script"]]
    if name == ".buildkite/pipeline.yml":
        return list(document["steps"][0]["commands"])
    if name == ".circleci/config.yml":
        return [step["run"]["command"] for step in document["jobs"]["list-issues"]["steps"]]
    if name == "tekton/task.yaml":
        return [parsed(name)[1]["spec"]["steps"][0]["script"]]
    return [" ".join(parsed(name)[1]["spec"]["template"]["spec"]["containers"][0]["command"])]


@pytest.mark.parametrize("name", sorted(FILES))
def test_every_file_mints_with_the_same_command(name: str) -> None:
    assert MINT in "\n".join(commands(name))
