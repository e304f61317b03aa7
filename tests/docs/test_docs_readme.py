"""The README's commands give the output that it shows."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from bench.report import in_readme
from fullsend_sandbox.cli.common import HEADINGS
from mintcore.settings.environment import read_hosted
from tests.audited_mint import AuditedMint

if TYPE_CHECKING:
    from fullsend_sandbox.world import World

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
BIN = Path(sys.executable).parent


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands() -> list[str]:
    shown = "\n".join(blocks("console")).replace("\\\n", " ")
    return [line.removeprefix("$ ") for line in shown.splitlines() if line.startswith("$ ")]


def test_the_demo_comes_out_as_the_readme_shows_it() -> None:
    assert "make demo" in commands()
    ran = subprocess.run(
        [BIN / "fullsend", "sandbox", "demo", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=90,
    )
    shown = [re.split(r"\s{2,}", line)[1:] for line in blocks("text")[0].splitlines()[1:]]
    came_out = [
        [step["step"], " ".join(filter(None, [str(step["status"]), step["code"]]))]
        for step in json.loads(ran.stdout)
    ]
    assert came_out == shown
    assert {step["passed"] for step in json.loads(ran.stdout)} == {True}


@pytest.mark.parametrize("page", ["README.md", "docs/standalone.md"])
def test_a_shown_demo_has_the_headings_of_the_real_one(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    (heading,) = re.findall(r"^```text\n( +\S+ +answer)\nok  ", text, re.MULTILINE)
    assert heading.split() == list(HEADINGS[1:3])


def test_the_local_command_serves_with_the_environment_that_is_shipped_for_it(world: World) -> None:
    local = next(command for command in commands() if "functions-framework" in command).split()
    assert ". deploy/env.local.example" in README
    lines = (ROOT / "deploy" / "env.local.example").read_text().splitlines()
    shipped = {
        name: value.strip("'")
        for name, _, value in (line.partition("=") for line in lines if line and not line.startswith("#"))
    }
    ports = {
        "issuer": "OIDC_ISSUER_URL",
        "sts": "STS_URL",
        "secret-manager": "SECRET_MANAGER_URL",
        "github": "GITHUB_API_URL",
    }
    for offset, service in enumerate(world.services(), 1):
        assert shipped[ports[service.name]] == f"http://127.0.0.1:{8080 + offset}"
        shipped[ports[service.name]] = service.url
    assert shipped == world.mint_environment(REPO_SCOPE="caller")
    command = [part for part in local if not part.startswith("--port")]
    with AuditedMint(shipped, source=ROOT, command=[Path(command[0]).name, *command[1:]]) as mint:
        assert mint.url


def test_the_figures_of_the_readme_are_those_of_the_last_published_run() -> None:
    results = json.loads((ROOT / "docs" / "bench" / "results.json").read_text())
    shown = re.search(r"<!-- bench -->\n(.*?)\n<!-- /bench -->", README, re.DOTALL)
    assert shown is not None
    assert shown[1] == in_readme(results)


def flags(command: str) -> dict[str, str]:
    found = re.findall(r"--([a-z-]+)(?:[= ]([^\s-]\S*))?", command)
    return {name: value.strip('"') for name, value in found}


def test_the_gcloud_command_of_the_readme_is_the_scripts() -> None:
    script = (ROOT / "deploy" / "gcloud.sh").read_text().replace("\\\n", " ")
    script = script.replace("$project", "my-project").replace("$region", "us-central1")
    scripted = flags(re.search(r"^gcloud functions deploy.*$", script, re.MULTILINE)[0])  # type: ignore[index]
    shown = flags(next(command for command in commands() if command.startswith("gcloud functions deploy")))
    assert shown.items() <= scripted.items()
    subprocess.run(["bash", "-n", ROOT / "deploy" / "gcloud.sh"], check=True, timeout=10)


def test_the_example_environment_is_one_the_mint_accepts_and_its_threads_fit_the_concurrency() -> None:
    example = yaml.safe_load((ROOT / "deploy" / "env.example.yaml").read_text())
    settings = read_hosted(example)
    assert settings.common.warnings == ()
    assert f"--concurrency={settings.common.threads} " in (ROOT / "deploy" / "gcloud.sh").read_text()


def test_every_variable_of_the_readmes_table_is_one_the_mint_reads() -> None:
    source = "".join(path.read_text() for path in ROOT.glob("mintcore/settings/*.py"))
    table = README[README.index("## Configuration") :]
    named = set(re.findall(r"`([A-Z_]{4,})`", table.split("\n## ")[0] + table.split("\n## ")[1][:0]))
    assert named
    assert {name for name in named if f'"{name}"' not in source} == set()


def test_every_link_of_the_readme_leads_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", README)
    assert [target for target in targets if not (ROOT / target).exists()] == []
