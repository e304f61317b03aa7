"""The project's own workflows: valid, pinned, with least permissions, and nothing for zizmor to find."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.github_schema import problems

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))
ACTIONLINT = shutil.which("actionlint")


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def parsed(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_zizmor_finds_nothing_even_as_an_auditor() -> None:
    done = run(BIN / "zizmor", "--offline", "--no-progress", "--persona=auditor", ".github")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("schema", "paths"), [("workflows", WORKFLOWS), ("actions", ACTIONS)])
def test_the_files_are_what_github_takes(schema: str, paths: list[Path]) -> None:
    assert paths
    assert problems(schema, paths) == ""


def test_the_issue_forms_are_what_github_takes() -> None:
    forms = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
    assert [form.stem for form in forms] == ["bug", "config", "feature"]
    assert problems("issue-forms", [*forms[:1], *forms[2:]]) == ""


@pytest.mark.skipif(ACTIONLINT is None, reason="actionlint is not on PATH")
def test_actionlint_finds_nothing() -> None:
    done = run(str(ACTIONLINT), "-no-color", *WORKFLOWS)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_to_a_commit(path: Path) -> None:
    uses = re.findall(r"uses: (\S+)(.*)", path.read_text(encoding="utf-8"))
    assert uses
    for action, comment in uses:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", action)
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_job_has_the_permissions_it_names_and_no_other(path: Path) -> None:
    workflow = parsed(path)
    assert workflow["permissions"] == {}
    write = [
        f"{path.stem}: {permission}"
        for job in workflow["jobs"].values()
        for permission, level in job["permissions"].items()
        if level != "read"
    ]
    assert write in ([], ["release: contents", "release: id-token", "release: attestations"])


def test_every_make_target_that_a_workflow_calls_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    texts = [path.read_text(encoding="utf-8") for path in (*WORKFLOWS, ROOT / ".ci" / "run")]
    lines = [line for text in texts for line in re.findall(r"(?m)\bmake ([a-z -]+)$", text)]
    called = {word for line in lines for word in line.split()}
    assert {"lint", "test", "audit", "wheel", "sbom"} <= called <= targets
