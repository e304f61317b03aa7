"""The files and settings of `docs/other-ci.md`: valid for their platforms, and equal where they must be."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema
from jsonschema import validators

from fullsend.client.other_ci import PROJECTED_TOKEN, gitlab_variable

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "other-ci.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"<!-- (\S+\.ya?ml) -->\n```yaml\n(.*?)```", PAGE, flags=re.DOTALL))
SCHEMAS = {
    ".gitlab-ci.yml": "vendor.gitlab-ci",
    ".buildkite/pipeline.yml": "vendor.buildkite",
    ".circleci/config.yml": "vendor.circle-ci",
}
MINT = "fullsend mint exec --role triage -- gh issue list --repo acme/app"


def parsed(name: str) -> list[Any]:
    return list(yaml.safe_load_all(FILES[name]))


def problems(name: str, text: str) -> list[str]:
    """Return what the platform's schema finds in a file; the schemas are those that check-jsonschema brings."""
    schema = get_builtin_schema(SCHEMAS[name])
    validator = validators.validator_for(schema)(schema)
    return [error.message for error in validator.iter_errors(yaml.safe_load(text))]


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
    kubernetes_validate.validate(document, "1.34", strict=True)


def test_the_step_and_the_volume_of_the_tekton_task_are_valid_parts_of_a_pod() -> None:
    """Tekton's steps are containers, except for `script`, and its volumes are Kubernetes' own."""
    account, task, run = parsed("tekton/task.yaml")
    kubernetes_validate.validate(account, "1.34", strict=True)
    steps = [{key: value for key, value in step.items() if key != "script"} for step in task["spec"]["steps"]]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": task["metadata"],
        "spec": {"containers": steps, "volumes": task["spec"]["volumes"]},
    }
    kubernetes_validate.validate(pod, "1.34", strict=True)
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
