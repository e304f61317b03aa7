"""Every command of `docs/onboarding.md` does what the page says, in a world on loopback."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from fullsend_sandbox.google.control_plane import ControlPlane

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fullsend_sandbox.job import Job
    from fullsend_sandbox.world import World
    from tests.conftest import StartMint

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "onboarding.md").read_text(encoding="utf-8")
PUBLIC_WORKFLOW = "fullsend-ai/fullsend/.github/workflows/triage.yml@refs/heads/main"
GRANTED = '"granted_permissions"'


class Block(NamedTuple):
    in_job: bool
    text: str


def blocks(heading: str) -> list[Block]:
    """Return the commands of one section, in order."""
    section = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    text = next(part for part in section if part.startswith(heading))
    found = re.findall(r"^```sh( job)?\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    return [Block(bool(job), body) for job, body in found]


class Shell:
    """The reader's shell, which keeps variables between blocks."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self._folder = folder
        self.variables = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            **variables,
        }

    def run(self, text: str, **more: str) -> str:
        """Run a block unchanged; return its output, and fail if one of its commands fails."""
        kept = self._folder / "variables"
        done = subprocess.run(
            ["bash", "-c", f"set -e\n{text}\nenv -0 > {kept}"],
            cwd=self._folder,
            env=self.variables | more,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
        # Only exported shell variables are kept for the next block.
        names = re.findall(r"^([A-Z_]+)=\$\(", text, flags=re.MULTILINE)
        found = dict(line.partition("=")[::2] for line in kept.read_text(encoding="utf-8").split("\0") if line)
        self.variables |= {name: found[name] for name in names if name in found}
        return done.stdout


@pytest.fixture
def shell(world: World, tmp_path: Path) -> Shell:
    """Give the shell of an owner of both organizations."""
    world.github.create_user("mona")
    for org in ("octo-org", "other-org"):
        world.github.people.make_owner("mona", org)
    return Shell(
        tmp_path,
        GITHUB_API_URL=world.github.api_url,
        GH_TOKEN=world.github.people.classic_token("mona", ("admin:org", "repo")),
        INFERENCE_PROJECT="octo-project",
    )


@pytest.fixture
def google(world: World, shell: Shell, tmp_path: Path) -> Iterator[ControlPlane]:
    """Run a Google Cloud and log the reader in to it."""
    with ControlPlane(world) as control_plane:
        shell.variables |= control_plane.environment(tmp_path / "credentials.json")
        yield control_plane


def walk(world: World, shell: Shell, steps: list[Block], job: Job) -> str:
    """Run the steps, those of a job with a job's variables; return the last step's output."""
    printed = ""
    for step in steps:
        seen = world.github.actions.variables_seen_by(job.repository)
        in_job = {**world.issuer.job_environment(job), "FULLSEND_MINT_URL": seen.get("FULLSEND_MINT_URL", "")}
        printed = shell.run(f"set -a\n{step.text}", **(in_job if step.in_job else {}))
    return printed


def test_a_new_organization_on_our_mint(world: World, shell: Shell, google: ControlPlane, tmp_path: Path) -> None:
    google.new_project()
    app = world.apps["coder"]
    (tmp_path / "coder.pem").write_bytes(app.private_key_pem)
    shell.variables |= {"PROJECT": "octo-project", "OUR_ORG": "octo-org", "ORG": "other-org"}
    shell.variables |= {"CODER_APP_ID": str(app.id), "CODER_CLIENT_ID": app.client_id, "CODER_PEM": "coder.pem"}
    workflow = "other-org/.fullsend/.github/workflows/coder.yml@refs/heads/main"
    job = world.job(repository="other-org/app", workflow=workflow)
    assert GRANTED in walk(world, shell, blocks("A new organization"), job)
    secrets = world.github.actions.secrets_seen_by("other-org/.fullsend")
    assert secrets["FULLSEND_GCP_WIF_PROVIDER"] == shell.variables["WIF_PROVIDER"]


@pytest.mark.usefixtures("google")
def test_one_repository_on_the_public_mint(world: World, shell: Shell, start_mint: StartMint) -> None:
    world.admit_orgs()
    mint = start_mint(ALLOWED_ORGS="*")
    shell.variables |= {"MINT_URL": mint.url, "REPO": "other-org/app"}
    job = world.job(repository="other-org/app", workflow=PUBLIC_WORKFLOW)
    assert GRANTED in walk(world, shell, blocks("One repository"), job)
    secrets = world.github.actions.secrets_seen_by("other-org/app")
    assert secrets["FULLSEND_GCP_WIF_PROVIDER"] == shell.variables["WIF_PROVIDER"]


def test_a_step_that_reads_a_command_through_a_pipe_fails_with_it(shell: Shell) -> None:
    shell.variables |= {"PROJECT": "octo-project", "OUR_ORG": "octo-org", "ORG": "o", "REPO": "o/r"}
    shell.variables |= {"CODER_APP_ID": "1", "CODER_PEM": "nosuch.pem", "INFERENCE_PROJECT": "Bad Project"}
    headings = ("A new organization", "One repository")
    piped = [step for heading in headings for step in blocks(heading) if "| sed" in step.text.replace("\n  ", " ")]
    assert len(piped) == 3
    for step in piped:
        pipe = re.sub(r"^fullsend inference provision.*\n", "", step.text, flags=re.MULTILINE)
        with pytest.raises(AssertionError, match=r"nosuch\.pem cannot be read|is not a project id"):
            shell.run(pipe)


def test_the_page_names_every_managed_name_and_command() -> None:
    for word in (
        "FULLSEND_PER_REPO_INSTALL",
        "FULLSEND_DISPATCH_TOKEN",
        "`set ",
        "`uninstall`",
        "`status`",
        "`setup`",
    ):
        assert word in PAGE
