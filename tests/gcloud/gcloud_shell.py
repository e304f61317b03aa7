"""A shell with the real gcloud, pointed at a control plane on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fullsend_sandbox import names
from tests.conftest import ROOT
from tests.unit.sandbox.google.google_operator import ACCOUNT, Operator

if TYPE_CHECKING:
    from fullsend_sandbox.google.control_plane import ControlPlane
    from fullsend_sandbox.world import World

LIMIT = 300


@dataclass
class Shell:
    """An operator's shell with gcloud and fullsend, logged in to both."""

    world: World
    plane: ControlPlane
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        for role, app in self.world.apps.items():
            self.pem(role).write_bytes(app.private_key_pem)
        self.environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "GITHUB_API_URL": self.world.github.api_url,
            **self.plane.environment(self.folder / "credentials.json"),
            **self.plane.gcloud_environment(self.folder),
        }

    def pem(self, role: str) -> Path:
        return self.folder / f"{role}.pem"

    def role(self, role: str) -> str:
        return f"{role}={self.world.apps[role].id}:{self.pem(role)}"

    def mint(self, words: str, *, emitted: bool) -> None:
        """Run a command of ``fullsend mint``, or the gcloud script that it emits."""
        command = f"fullsend mint {words}"
        if not emitted:
            self.done(command)
            return
        script = self.folder / "emitted.sh"
        self.done(f"{command} --emit gcloud > {script}")
        self.done(f"bash {script}")

    def run(self, script: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
        """Run a script as bash would from a file, without a terminal to answer on."""
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )

    def done(self, script: str, folder: Path = ROOT) -> str:
        """Run a script that must succeed; return what it prints."""
        result = self.run(script, folder)
        assert result.returncode == 0, f"{script}\n{result.stdout}\n{result.stderr}"
        return result.stdout

    def json(self, script: str) -> Any:
        return json.loads(self.done(script))


def prepare(shell: Shell) -> None:
    """Make by API what `deploy/gcloud.sh` expects: APIs, the account, the pool, one role's key."""
    shell.plane.enable()
    operator = Operator(shell.plane)
    operator.make_account()
    operator.make_provider()
    secret = operator.make_secret("fullsend-triage-app-pem", shell.world.apps["triage"].private_key_pem)
    binding = {"role": "roles/secretmanager.secretAccessor", "members": [f"serviceAccount:{ACCOUNT}"]}
    operator.secrets.setIamPolicy(resource=secret, body={"policy": {"bindings": [binding]}}).execute()
    operator.close()


def env_yaml(shell: Shell) -> str:
    """Return `deploy/env.example.yaml` with this world's values."""
    apps = json.dumps({"triage": str(shell.world.apps["triage"].id)})
    example = (ROOT / "deploy" / "env.example.yaml").read_text()
    lines = [f"ROLE_APP_IDS: '{apps}'" if line.startswith("ROLE_APP_IDS") else line for line in example.split("\n")]
    return "\n".join(lines).replace('"my-org"', f'"{names.ORG}"')
