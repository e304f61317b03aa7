"""A job in which a caller runs `fullsend mint`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fork.client import fork_server
from tests.integration.callers.job_commands import FULLSEND, Run

if TYPE_CHECKING:
    import subprocess

    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World


@pytest.fixture
def environment(world: World, hosted_mint: MintProcess) -> dict[str, str]:
    """Give the environment of a job that may mint."""
    return {
        "PATH": os.environ["PATH"],
        "LC_ALL": "C.UTF-8",
        **world.issuer.job_environment(world.job()),
        "GITHUB_API_URL": world.github.api_url,
        "FULLSEND_MINT_URL": hosted_mint.url,
    }


@pytest.fixture
def mint(environment: dict[str, str]) -> Run:
    """Give a function that runs `fullsend mint ARGS` in that job."""

    def run(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return fork_server().run([FULLSEND, "mint", *arguments], env={**environment, **changes}, cwd=Path.cwd())

    return run
