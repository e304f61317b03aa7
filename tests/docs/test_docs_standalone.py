"""Follow docs/standalone.md exactly: its shell blocks run, give its outputs, and its workflow mints."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from fullsend_sandbox.keys import KeyPool, pem
from fullsend_sandbox.standalone_demo import environment
from mintcore.policy.names import parse_role
from mintcore.settings.environment import read_standalone
from mintcore.version import VERSION
from tests.audited_mint import AuditedMint
from tests.docs.actionlint import ACTIONLINT, findings
from tests.docs.github_schema import problems
from tests.standalone import ROOT, run

if TYPE_CHECKING:
    from fullsend_sandbox.world import World

PAGE = (ROOT / "docs" / "standalone.md").read_text()
BIN = Path(sys.executable).parent
SHELL: list[str] = re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
CURL = shutil.which("curl")
JQ = shutil.which("jq")


def block(language: str, containing: str = "") -> str:
    found = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return str(next(text for text in found if containing in text))


def marked(name: str) -> list[str]:
    match = re.search(rf"^<!-- {name} -->\n```text\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert match is not None
    return match[1].splitlines()


@pytest.fixture
def home(tmp_path: Path, rsa_keys: KeyPool) -> Path:
    """A home directory with what the browser has downloaded."""
    rsa_keys.rewind()
    downloads = tmp_path / "Downloads"
    downloads.mkdir()
    for name in ("myorg-triage", "myorg-scanner"):
        for dated in ("", ".2026-06-18"):
            (downloads / f"{name}{dated}.private-key.pem").write_bytes(pem(rsa_keys.next_key()))
    return tmp_path


def shell(script: str, home: Path) -> subprocess.CompletedProcess[str]:
    # Some browsers put the date into the name; each block uses one of the two forms.
    dated = "*.private-key.pem" in script
    for path in (home / "Downloads").iterdir():
        if dated != (".2026-06-18." in path.name):
            path.unlink()
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=home,
        env={"HOME": str(home), "PATH": f"{BIN}{os.pathsep}{os.defpath}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_git_ignores_the_keys_and_folders_that_the_guide_makes(tmp_path: Path) -> None:
    made = set(re.findall(r"mkdir -p (\S+)|-m venv (\S+)|--env-file (\S+)|(\S+\.pem)$", PAGE, re.MULTILINE))
    paths = {path for groups in made for path in groups if path and not path.startswith("~")}
    assert paths >= {"pems", "pems/triage.pem", "mint-venv", "mint.env"}
    paths = {path if "." in path else f"{path}/file" for path in paths}
    subprocess.run(["git", "init", "-q", tmp_path], check=True, timeout=60)
    shutil.copy(ROOT / ".gitignore", tmp_path)
    check = ["git", "-C", tmp_path, "-c", "core.excludesFile=/dev/null", "check-ignore", *sorted(paths)]
    done = subprocess.run(check, capture_output=True, text=True, timeout=60, check=False)
    assert set(done.stdout.split()) == paths


def test_steps_2_and_4_end_in_a_check_that_passes(home: Path) -> None:
    keys = next(text for text in SHELL if "*.private-key.pem" in text)
    settings = next(text for text in SHELL if "export ALLOWED_ORGS" in text)
    done = shell(keys + settings, home)
    assert (done.returncode, done.stderr) == (0, "")
    assert "other roles     denied" in done.stdout


def test_the_complete_example_ends_in_a_check_that_passes(home: Path) -> None:
    example = SHELL[-1].removesuffix("&& fullsend-mint\n")
    done = shell(example, home)
    assert (done.returncode, done.stderr) == (0, "")


def exported(text: str) -> dict[str, str]:
    return {name: value.strip("\"'") for name, value in re.findall(r"^export (\w+)=(.*)$", text, re.MULTILINE)}


def test_the_start_says_what_the_page_shows(home: Path, unused_port: int) -> None:
    shell(next(text for text in SHELL if "*.private-key.pem" in text), home)
    settings = exported(SHELL[-1])
    with AuditedMint(settings, source=home, command=("fullsend-mint",), port=unused_port) as mint:
        pass
    said = [json.loads(line)["message"] for line in mint.logs()]
    assert said[:2] == [line.replace(":8080", f":{unused_port}") for line in marked("start")]


@pytest.fixture
def unused_port() -> int:
    import socket  # noqa: PLC0415 - for this alone

    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def test_both_settings_of_the_page_are_one() -> None:
    first = next(text for text in SHELL if "export ALLOWED_ORGS" in text)
    assert exported(first) == exported(SHELL[-1])


def test_the_demo_comes_out_as_shown() -> None:
    done = subprocess.run(
        [BIN / "fullsend", "sandbox", "standalone", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=90,
    )
    shown = [re.split(r"\s{2,}", line)[1:] for line in marked("make standalone")[1:]]
    assert [
        [step["step"], " ".join(filter(None, [str(step["status"]), step["code"]]))]
        for step in json.loads(done.stdout)
    ] == shown
    assert "ghs_" not in re.sub(r"ghs_.{3}…", "", done.stdout)


def test_a_custom_role_with_a_built_in_name_is_told_the_sentence_of_the_page(home: Path) -> None:
    changed = exported(SHELL[-1]) | {"CUSTOM_ROLE_PERMISSIONS": '{"triage":{"contents":"read"}}'}
    assert marked("collision")[0] in run(changed, cwd=home).err


def test_the_custom_permissions_are_taken() -> None:
    changed = {"CUSTOM_ROLE_PERMISSIONS": block("json"), "ROLE_APP_IDS": '{"scanner": 1, "deployer": 2}'}
    settings = read_standalone(exported(SHELL[-1]) | changed)
    assert settings.common.policy.roles.names == ["deployer", "scanner"]


def test_the_names_that_are_called_right_and_wrong_are() -> None:
    sentence = re.search(r"without `--`: (.*?); not (.*?)\. ", PAGE.replace("\n", " "))
    assert sentence is not None
    right, wrong = (re.findall(r"`([^`]+)`", part) for part in sentence.groups())
    assert [parse_role(name) for name in right] == right
    assert len(wrong) == 3
    for name in wrong:
        with pytest.raises(ValueError, match="a role starts"):
            parse_role(name)


def test_health_answers_as_shown() -> None:
    assert f'{{"status": "ok", "version": "{VERSION}"}}' in block("console", "/health")


def test_the_workflow_fits_githubs_schema_and_no_linter_finds_anything(tmp_path: Path) -> None:
    path = tmp_path / ".github" / "workflows" / "mint-test.yml"
    path.parent.mkdir(parents=True)
    path.write_text(block("yaml"))
    done = subprocess.run(
        [BIN / "zizmor", "--offline", "--no-progress", "--no-config", str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert problems("workflows", [path]) == ""
    assert ACTIONLINT is None or findings([path]) == ""


@pytest.mark.skipif(CURL is None or JQ is None, reason="curl and jq are not installed; GitHub's runners have them")
@pytest.mark.parametrize(("repository", "status"), [("app", 0), ("no-such-repo", 1)])
def test_the_workflows_step_mints_a_scanner_token_and_prints_none(
    repository: str, status: int, world: World, tmp_path: Path
) -> None:
    (step,) = yaml.safe_load(block("yaml"))["jobs"]["test"]["steps"]
    job = world.job(
        repository="octo-org/.fullsend",
        workflow="octo-org/.fullsend/.github/workflows/mint-test.yml@refs/heads/main",
    )
    given = environment(world, tmp_path, fallback_url="")
    with AuditedMint(given, source=ROOT, command=("fullsend-mint",)) as mint:
        done = subprocess.run(
            ["bash", "-e", "-c", step["run"]],
            env={
                "PATH": os.defpath,
                "MINT_URL": mint.url,
                "REPO": repository,
                **world.issuer.job_environment(job),
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == status, done.stdout + done.stderr
    assert "::add-mask::" not in done.stdout.splitlines(), "the runner warns of an empty mask"
    shown = [line for line in done.stdout.splitlines() if not line.startswith("::add-mask::")]
    answer = json.loads("\n".join(shown))
    assert "token" not in answer
    if status == 0:
        assert answer["granted_permissions"]["security_events"] == "write"
    else:
        assert answer["code"] == "repos_not_accessible"


def test_every_file_and_page_it_names_is_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", PAGE):
        assert (ROOT / "docs" / target).resolve().exists(), target
    anchors = {
        re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= anchors
