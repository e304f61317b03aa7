"""The pipeline files of `docs/other-ci.md`, run with the real client, a real mint and each system's environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from click.testing import CliRunner

from fullsend.cli.root import cli
from fullsend_sandbox.ci import KINDS
from fullsend_sandbox.ci.programs import CIMachine
from fullsend_sandbox.process import MintProcess
from fullsend_sandbox.world import World
from tests.docs.test_docs_other_ci import FILES, commands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result

ROOT = Path(__file__).resolve().parents[2]
FULLSEND = Path(sys.executable).parent / "fullsend"
KIND_OF = {
    ".gitlab-ci.yml": "gitlab",
    ".buildkite/pipeline.yml": "buildkite",
    ".circleci/config.yml": "circleci",
    "kubernetes/job.yaml": "kubernetes",
    "tekton/task.yaml": "kubernetes",
}
# The programs that the files install exist here already; this gh prints its arguments, never the token.
PROGRAMS = {
    "apt-get": "exit 0",
    "sudo": 'exec "$@"',
    "pip": "exit 0",
    "python3": f"mkdir -p .fullsend/bin; cp $(command -v pip) .fullsend/bin; ln -s {FULLSEND} .fullsend/bin",
    "gh": 'case "$GH_TOKEN" in ghs_*) echo "gh $*";; *) exit 3;; esac; env | cut -d= -f1 | sort >names',
}
IDENTITY = {"FULLSEND_MINT_ID_TOKEN", "BUILDKITE_AGENT_ACCESS_TOKEN", "FULLSEND_ID_TOKEN_FILE"}


class Served(NamedTuple):
    """A mint that serves the default job of each kind."""

    world: World
    mint: MintProcess


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with World() as world:
        for kind in KINDS:
            world.ci.add(kind)
        with MintProcess(world.mint_environment(**world.ci.mint_environment()), source=ROOT) as mint:
            yield Served(world, mint)


def environment(served: Served, kind: str, folder: Path) -> dict[str, str]:
    """Return the environment of a job on a machine with these programs."""
    programs = folder / "programs"
    programs.mkdir()
    for name, script in PROGRAMS.items():
        path = programs / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
    given = dict(CIMachine(served.world.ci[kind], folder).environment())
    if kind == "gitlab":
        given["FULLSEND_MINT_ID_TOKEN"] = served.world.ci[kind].token()
    paths = [given.pop("PATH", ""), str(programs), str(FULLSEND.parent), os.environ["PATH"]]
    return {
        **given,
        "PATH": os.pathsep.join(filter(None, paths)),
        "LC_ALL": "C.UTF-8",
        "GITHUB_API_URL": served.world.github.api_url,
        "FULLSEND_MINT_URL": served.mint.url,
    }


def run(script: str, env: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [shutil.which("sh") or "sh", "-eu", "-c", script],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("name", sorted(FILES))
def test_the_commands_of_a_pipeline_file_mint_in_its_system(served: Served, name: str, tmp_path: Path) -> None:
    done = run("\n".join(commands(name)), environment(served, KIND_OF[name], tmp_path), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "gh issue list --repo acme/app"
    assert "ghs_" not in done.stdout + done.stderr
    assert not IDENTITY & set((tmp_path / "names").read_text().split())


def invoke(served: Served, kind: str, folder: Path, *arguments: str) -> Result:
    """Run `fullsend mint ARGUMENTS` in this process, in the environment of a job."""
    cleared = dict.fromkeys(("GITHUB_ACTIONS", "GITHUB_REPOSITORY", "GITHUB_REPOSITORY_OWNER"))
    return CliRunner(env=cleared | environment(served, kind, folder)).invoke(cli, ["mint", *arguments])


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"buildkite"}))
def test_token_says_where_the_log_cannot_hide_what_it_prints(served: Served, kind: str, tmp_path: Path) -> None:
    printed = invoke(served, kind, tmp_path, "token", "--role", "triage")
    assert printed.stdout.startswith("ghs_")
    assert "cannot hide the token in the job's log" in printed.stderr


def test_a_token_in_a_file_is_not_in_the_log(served: Served, tmp_path: Path) -> None:
    written = invoke(served, "gitlab", tmp_path, "token", "--role", "triage", "--out", str(tmp_path / "token"))
    assert written.exit_code == 0
    assert "cannot hide" not in written.stderr


def test_token_in_buildkite_has_the_agent_hide_it_and_says_nothing(served: Served, tmp_path: Path) -> None:
    done = invoke(served, "buildkite", tmp_path, "token", "--role", "triage")
    assert done.stdout.startswith("ghs_")
    assert done.stderr == ""


def test_a_job_names_repositories_without_their_owner(served: Served, tmp_path: Path) -> None:
    refused = invoke(served, "gitlab", tmp_path, "token", "--role", "triage", "--repos", "octo-org/app")
    assert refused.exit_code == 2
    assert "give the bare name" in refused.stderr


def test_status_tells_a_job_what_it_may_have(served: Served, tmp_path: Path) -> None:
    done = invoke(served, "circleci", tmp_path, "status", "--role", "triage", "--repos", "app")
    assert done.exit_code == 0, done.output
    assert "CALLERS[" in done.stdout
