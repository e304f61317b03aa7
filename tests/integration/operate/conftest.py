"""The operator's commands, run in this process against a control plane whose functions are stand-ins."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from fullsend.cli.pace import Pace
from fullsend.cli.root import cli
from fullsend.operate.gcp.cloud import connect
from fullsend.operate.gcp.read_state import read_state
from fullsend.operate.gcp.session import Session
from fullsend.operate.model.names import MintLocation
from fullsend_sandbox import names
from fullsend_sandbox.google.control_plane import ControlPlane
from fullsend_sandbox.google.emulated_runner import EmulatedRunner
from tests.conftest import ROOT
from tests.integration.operate.ci_issuers import started

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

    from fullsend.operate.gcp.cloud import Cloud
    from fullsend.operate.model.mint_state import MintState
    from fullsend_sandbox.ci import CIIssuer
    from fullsend_sandbox.world import World

APIS = (
    *("cloudbuild", "cloudfunctions", "cloudkms", "cloudresourcemanager"),
    *("iam", "run", "secretmanager", "serviceusage"),
)


@dataclass
class Operator:
    """An operator at a shell, logged in to Google."""

    world: World
    plane: ControlPlane
    source: Path
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.environment = {
            **{f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{api.upper()}": self.plane.endpoint(api) for api in APIS},
            "CLOUDSDK_AUTH_ACCESS_TOKEN": self.plane.access_token(of_user=True),
            "GOOGLE_CLOUD_PROJECT": names.PROJECT_ID,
            "GITHUB_API_URL": self.world.github.api_url,
        }
        for role, app in self.world.apps.items():
            self.pem(role).write_bytes(app.private_key_pem)

    def pem(self, role: str) -> Path:
        return self.folder / f"{role}.pem"

    def role(self, role: str) -> str:
        return f"{role}={self.world.apps[role].id}:{self.pem(role)}"

    def run(self, *words: str, **changes: str | None) -> Result:
        cleared = dict.fromkeys(("GH_TOKEN", "GITHUB_TOKEN", "GOOGLE_APPLICATION_CREDENTIALS", "FULLSEND_MINT_URL"))
        return CliRunner().invoke(
            cli, words, env={**cleared, **self.environment, **changes}, obj=Pace(sleep=self._pause)
        )

    def _pause(self, seconds: float) -> None:
        """Wait until Google's work is done; without work, advance Google's clock instead."""
        if not self.plane.wait_for_work(seconds / 10):
            self.plane.clock.offset += seconds

    def done(self, *words: str) -> Result:
        result = self.run(*words)
        assert result.exit_code == 0, result.output
        return result

    def deploy_words(self, *words: str) -> tuple[str, ...]:
        always = ("--source", str(self.source), "--role", self.role("triage"), "--workflow-files", "triage.yml")
        return ("mint", "deploy", "--org", names.ORG, *always, *words)

    def deploy(self, *words: str) -> Result:
        return self.done(*self.deploy_words(*words))

    def doctor(self) -> Result:
        return self.run("mint", "doctor", "--source", str(self.source))

    def cloud(self, **changes: Any) -> Cloud:
        environment = {**os.environ, **self.environment}
        return connect(
            MintLocation(names.PROJECT_ID), Session(names.PROJECT_ID, environment=environment, **changes)
        )

    def state(self) -> MintState:
        cloud = self.cloud()
        with cloud.session:
            return read_state(cloud)

    def process_environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), **self.environment}


@pytest.fixture(scope="session")
def mint_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the mint's source, so that it stays as it is while the tests run."""
    folder: Path = tmp_path_factory.mktemp("source")
    shutil.copytree(ROOT / "mintcore", folder / "mintcore", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("main.py", "requirements.txt"):
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture
def plane(world: World) -> Iterator[ControlPlane]:
    with ControlPlane(world, runner=EmulatedRunner()) as running:
        running.new_project()
        yield running


@pytest.fixture
def operator(world: World, plane: ControlPlane, mint_source: Path, tmp_path: Path) -> Operator:
    return Operator(world, plane, mint_source, tmp_path)


@pytest.fixture
def gitlab(operator: Operator) -> CIIssuer:
    """Give a GitLab in the world of an operator who has deployed a mint."""
    operator.deploy()
    return started(operator, "gitlab")
