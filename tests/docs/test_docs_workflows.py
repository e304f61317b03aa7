"""The project's own workflows are valid, pinned, have least permissions, and pass zizmor."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from fullsend.operate.model.provenance import parse_digests, source_name
from tests.docs.actionlint import ACTIONLINT, NO_ACTIONLINT, findings
from tests.docs.github_schema import problems

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))


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


@pytest.mark.skipif(ACTIONLINT is None, reason=NO_ACTIONLINT)
def test_actionlint_finds_nothing() -> None:
    assert findings(WORKFLOWS) == ""


@pytest.mark.skipif(ACTIONLINT is None, reason=NO_ACTIONLINT)
def test_actionlint_would_find_what_the_schema_allows(tmp_path: Path) -> None:
    release = (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    broken = tmp_path / "release.yml"
    broken.write_text(release.replace("github.ref_name", "github.tag_name"), encoding="utf-8")
    assert problems("workflows", [broken]) == ""
    assert 'property "tag_name" is not defined' in findings([broken])


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


def test_a_change_of_any_file_that_make_audit_reads_starts_the_audit() -> None:
    recipe = re.findall(r"(?m)^audit:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(encoding="utf-8"))[0]
    read = sorted(re.findall(r" -r (\S+)", recipe))
    # YAML reads the key "on" as true.
    events = parsed(ROOT / ".github" / "workflows" / "audit.yml")[True]
    assert len(read) == 3
    assert [sorted(events[event]["paths"]) for event in ("push", "pull_request")] == [read, read]


def test_a_step_of_the_release_fails_with_any_part_of_a_pipeline() -> None:
    # GitHub Actions, "defaults.run.shell": only a shell that is named gets -o pipefail.
    release = parsed(ROOT / ".github" / "workflows" / "release.yml")
    assert release["defaults"]["run"]["shell"] == "bash"
    for step in release["jobs"]["build"]["steps"]:
        done = subprocess.run(
            ["bash", "-n"], input=step.get("run", ""), text=True, capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")


RELEASED = (
    "fullsend-mint-1.2.3-image.tar.gz", "fullsend-mint-1.2.3-source.zip", "fullsend_mint-1.2.3-py3-none-any.whl",
    "fullsend_mint_sandbox-1.2.3-py3-none-any.whl", "requirements.txt", "sbom-image.cdx.json", "sbom.cdx.json",
)  # fmt: skip


def test_the_checksums_name_every_file_of_a_release_and_are_what_the_doctor_reads(tmp_path: Path) -> None:
    for name in RELEASED:
        (tmp_path / name).write_text(name)
    for _ in range(2):  # its own file is not in the list
        assert run(ROOT / "scripts/release/checksums.sh", tmp_path).returncode == 0
    text = (tmp_path / "SHA256SUMS").read_text()
    assert [line.split("  ")[1] for line in text.splitlines()] == sorted(RELEASED)
    source = hashlib.sha256(b"fullsend-mint-1.2.3-source.zip").hexdigest()
    assert parse_digests(text, "SHA256SUMS")[source_name("1.2.3")] == source


@pytest.mark.parametrize("missing", RELEASED)
def test_a_release_without_one_of_its_files_has_no_checksums(missing: str, tmp_path: Path) -> None:
    for name in RELEASED:
        (tmp_path / name).write_text("" if name == missing else name)
    done = run(ROOT / "scripts/release/checksums.sh", tmp_path)
    assert (done.returncode, (tmp_path / "SHA256SUMS").exists()) == (1, False)
    assert "Fix: build it before the checksums" in done.stderr
