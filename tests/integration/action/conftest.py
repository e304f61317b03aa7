"""A job that uses the action, and a mint that fails as told."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox.loopback import LoopbackService
from tests.integration.action.action_job import Job

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from werkzeug.wrappers import Request, Response

    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World


@pytest.fixture
def job(world: World, hosted_mint: MintProcess, tmp_path: Path) -> Job:
    environment = {
        "PATH": os.environ["PATH"],
        "GITHUB_API_URL": world.github.api_url,
        **world.issuer.job_environment(world.job()),
    }
    return Job(environment, tmp_path, {"role": "triage", "mint_url": hosted_mint.url})


@pytest.fixture
def unsteady() -> Iterator[LoopbackService]:
    """Give a mint that only fails as told."""

    def app(_: Request) -> Response:
        raise AssertionError("only faults answer here")

    with LoopbackService("mint", app) as service:
        yield service
