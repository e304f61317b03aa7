"""The example repositories: linted, consistent, and minting in the sandbox with the real action."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.docs.actionlint import ACTIONLINT, NO_ACTIONLINT, findings
from tests.docs.github_schema import problems
from tests.docs.placeholders import COMMIT, UNREVIEWED, with_a_commit

if TYPE_CHECKING:
    from fullsend_sandbox.world import World
    from tests.conftest import StartMint

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
ACTION = ROOT / ".github" / "actions" / "mint-token"
WORKFLOWS = sorted(EXAMPLES.glob("*/.github/workflows/*.yml"))
PROBE = EXAMPLES / "probe.yml"
BIN = Path(sys.executable).parent
NODE = shutil.which("node")
SETTINGS = dict(
    line.split("=", 1)
    for line in re.findall(r"```sh\n(.*?)```", (EXAMPLES / "README.md").read_text(), re.DOTALL)[0].splitlines()
)
HOSTS = {"dot-fullsend": "octo-org/.fullsend", "agents": "octo-org/agents", "app": "octo-org/app"}
CALLED = [path for path in WORKFLOWS if path.parts[-4] != "app"]


CHECKED = [*WORKFLOWS, PROBE]


def parsed(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def repository_of(path: Path) -> str:
    return HOSTS[path.relative_to(EXAMPLES).parts[0]]


def test_the_workflows_pass_githubs_schema_and_zizmor(tmp_path: Path) -> None:
    copies = [tmp_path / str(number) / ".github" / "workflows" / path.name for number, path in enumerate(CHECKED)]
    for path, copy in zip(CHECKED, copies, strict=True):
        copy.parent.mkdir(parents=True)
        copy.write_text(with_a_commit(path.read_text(encoding="utf-8")), encoding="utf-8")
    assert problems("workflows", copies) == ""
    command = [str(BIN / "zizmor"), "--offline", "--no-progress", "--no-config", *map(str, copies)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(ACTIONLINT is None, reason=NO_ACTIONLINT)
def test_actionlint_finds_nothing() -> None:
    assert findings(CHECKED) == ""


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_use_is_a_placeholder_that_the_reader_is_told_to_replace(path: Path) -> None:
    uses = re.findall(r"uses: (.*)", path.read_text(encoding="utf-8"))
    assert uses
    assert all(re.fullmatch(rf"\S+@{COMMIT} {re.escape(UNREVIEWED)}", use) for use in uses)


def test_a_package_is_installed_at_a_placeholder_that_the_reader_is_told_to_replace() -> None:
    pages = [ROOT / "README.md", *ROOT.glob("docs/*.md"), *EXAMPLES.rglob("*.yml"), *EXAMPLES.rglob("*.md")]
    found = {path.name: re.findall(r"git\+https://[^\s@'\"]+@(\S*?)['\"#].*", path.read_text()) for path in pages}
    assert found["probe.yml"] == [COMMIT]
    assert {ref for refs in found.values() for ref in refs} == {COMMIT}
    (line,) = [line for line in PROBE.read_text(encoding="utf-8").splitlines() if "git+https" in line]
    assert line.endswith(UNREVIEWED)
    assert parsed(PROBE)["jobs"]["probe"]["steps"][1]["run"].endswith(f"@{COMMIT}'")


def test_no_page_installs_by_name_what_no_index_has() -> None:
    """Attack: before the first release, anyone can register the name at PyPI."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*"), *EXAMPLES.rglob("*.*")]
    text = {path: path.read_text(encoding="utf-8") for path in pages if path.is_file()}
    found = {
        line
        for page in text.values()
        for line in re.findall(r"(?:pip|pipx|uv)[^\n]* (?:install|add|run) [^\n]*fullsend-mint[^\n]*", page)
    }
    assert found
    assert [line for line in found if "@ git+https://" not in line] == []


def test_the_caller_gives_each_called_workflow_the_inputs_it_declares() -> None:
    called = {f"{repository_of(path)}/.github/workflows/{path.name}": parsed(path) for path in CALLED}
    jobs = parsed(EXAMPLES / "app/.github/workflows/agents.yml")["jobs"].values()
    assert {job["uses"].partition("@")[0] for job in jobs} == set(called)
    for job in jobs:
        # YAML reads the key "on" as true.
        inputs = called[job["uses"].partition("@")[0]][True]["workflow_call"]["inputs"]
        assert set(job["with"]) == set(inputs)
        assert job["permissions"] == {"id-token": "write"}


@pytest.mark.skipif(NODE is None, reason="the action needs node on PATH")
@pytest.mark.parametrize("path", CALLED, ids=lambda path: path.stem)
def test_the_example_mints_with_the_settings_it_shows(
    path: Path, world: World, start_mint: StartMint, tmp_path: Path
) -> None:
    mint = start_mint(**SETTINGS)
    (step,) = [step for job in parsed(path)["jobs"].values() for step in job["steps"] if step.get("id") == "mint"]
    job = world.job(workflow=f"{repository_of(path)}/.github/workflows/{path.name}@refs/heads/main")
    known = {"github.repository": "octo-org/app", "vars.FULLSEND_MINT_URL": mint.url}
    given = {
        f"INPUT_{name.upper()}": re.sub(r"\$\{\{ (\S+) \}\}", lambda found: known[found[1]], value)
        for name, value in step["with"].items()
    }
    manifest = parsed(ACTION / "action.yml")
    defaults = {f"INPUT_{name.upper()}": str(one.get("default", "")) for name, one in manifest["inputs"].items()}
    files = {name: tmp_path / name for name in ("GITHUB_OUTPUT", "GITHUB_STATE")}
    for file in files.values():
        file.touch()
    done = subprocess.run(
        [str(NODE), str(ACTION / manifest["runs"]["main"])],
        env={
            "PATH": os.environ["PATH"],
            "GITHUB_API_URL": world.github.api_url,
            **world.issuer.job_environment(job),
            **{name: str(file) for name, file in files.items()},
            **defaults,
            **given,
        },
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    granted = re.search(r"^granted_repos<<(\S+)\n(.*?)\n\1$", files["GITHUB_OUTPUT"].read_text(), re.MULTILINE)
    assert granted is not None
    assert json.loads(granted[2]) == ["octo-org/app"]
