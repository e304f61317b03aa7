"""The per-run tool and its environment, as runbooks use it."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT
from tests.fork.client import fork_server
from tests.integration.run_token.runbook import PERMISSIONS, SCRIPT

if TYPE_CHECKING:
    import subprocess

    from fullsend_sandbox.world import World
    from tests.integration.run_token.runbook import Run


@pytest.fixture
def environment(world: World) -> dict[str, str]:
    """Give the environment of the runbook, with an App that may do what the runbook does."""
    for name in ("secret-repo", "builders"):
        world.github.create_repo(f"octo-org/{name}")
    app = world.github.create_app("codex-runs", PERMISSIONS)
    installation = world.github.install_app(app, "octo-org")
    return {
        "PATH": os.environ["PATH"],
        "LC_ALL": "C.UTF-8",
        "GITHUB_APP_ID": str(app.id),
        "GITHUB_APP_INSTALLATION_ID": str(installation.id),
        "GITHUB_APP_PRIVATE_KEY_PEM": app.private_key_pem.decode().replace("\n", "\\n"),
        "CODEX_NET_MODE": "online_allowlist",
        "CODEX_NET_ALLOWLIST": "127.0.0.1",
        "GITHUB_API_URL": world.github.api_url,
    }


@pytest.fixture
def tool(environment: dict[str, str]) -> Run:
    """Give a function that runs the script with the words of one command line."""

    def run(words: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return fork_server().run([SCRIPT, *shlex.split(words)], env={**environment, **changes}, cwd=ROOT)

    return run
