"""One job with a step that uses the action, and a refusal of a mint."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from fullsend_sandbox.faults import Fail

ACTION = Path(__file__).resolve().parents[3] / ".github" / "actions" / "mint-token"
MANIFEST = yaml.safe_load((ACTION / "action.yml").read_text(encoding="utf-8"))
NODE = shutil.which("node")


@dataclass
class Job:
    """One job with one step that uses the action."""

    environment: dict[str, str]
    directory: Path
    inputs: dict[str, str]
    state: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)

    def main(self, **inputs: str) -> subprocess.CompletedProcess[str]:
        self.inputs |= {
            name if name == "mint_url" else name.replace("_", "-"): value for name, value in inputs.items()
        }
        done = self._run("main")
        self.outputs, self.state = self._read("output"), self._read("state")
        return done

    def main_with(self, **environment: str) -> subprocess.CompletedProcess[str]:
        return self._run("main", **environment)

    def post(self) -> subprocess.CompletedProcess[str]:
        return self._run("post", **{f"STATE_{name}": value for name, value in self.state.items()})

    def _run(self, phase: str, **more: str) -> subprocess.CompletedProcess[str]:
        declared = {name: str(given.get("default", "")) for name, given in MANIFEST["inputs"].items()}
        inputs = {f"INPUT_{name.upper()}": value for name, value in (declared | self.inputs).items()}
        files = {f"GITHUB_{name.upper()}": str(self.directory / name) for name in ("output", "state")}
        for path in files.values():
            Path(path).touch()
        return subprocess.run(
            [str(NODE), str(ACTION / MANIFEST["runs"][phase])],
            env={**self.environment, **inputs, **files, **more},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def _read(self, name: str) -> dict[str, str]:
        text = (self.directory / name).read_text(encoding="utf-8")
        found = re.findall(r"^(\w+)<<(\S+)\n(.*?)\n\2\n", text, flags=re.DOTALL | re.MULTILINE)
        return {key: value for key, _, value in found}


def refusal(status: int, code: str, sentence: str = "No.", **headers: str) -> Fail:
    return Fail(status, json.dumps({"error": sentence, "code": code, "request_id": "r-1"}), headers)


GOOD = {
    "token": "ghs_" + "x" * 36,
    "expires_at": "2026-01-01T00:00:00Z",
    "granted_repos": [],
    "granted_permissions": {},
}
