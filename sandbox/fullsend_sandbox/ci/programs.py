"""Provide each CI system's environment of a job: variables, programs, and in Kubernetes a token file.

The programs emulate the OIDC commands of `buildkite-agent` and `circleci`; they call the sandbox. The variable
`SANDBOX_CLAIMS` overrides claims, as a query: `ref_protected=false`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fullsend_sandbox.ci.buildkite import BuildkiteIssuer
from fullsend_sandbox.ci.circleci import CircleCIIssuer
from fullsend_sandbox.ci.gitlab import GitLabIssuer
from fullsend_sandbox.ci.issuer import PREFIX
from fullsend_sandbox.ci.kubernetes import KubernetesIssuer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fullsend_sandbox.ci.issuer import CIIssuer

OWNER_ONLY = 0o600
RENEWED_AT = 0.8
"""The part of its lifetime after which the kubelet replaces a token."""

_AGENT = """\
import json, os, sys, urllib.request
words = sys.argv[1:]
if words == ["redactor", "add"]:
    sys.stdin.read()
    sys.exit()
if words[:2] != ["oidc", "request-token"] or len(words) not in (2, 4):
    sys.exit("Incorrect Usage.")
claims = [one for one in os.environ.get("BUILDKITE_OIDC_TOKEN_CLAIMS", "").split(",") if one]
body = {"claims": claims, "audience": words[3] if words[2:3] == ["--audience"] else ""}
url = os.environ["BUILDKITE_AGENT_ENDPOINT"] + "/jobs/" + os.environ["BUILDKITE_JOB_ID"] + "/oidc/tokens"
access = os.environ["BUILDKITE_AGENT_ACCESS_TOKEN"]
headers = {"Authorization": "Token " + access, "Content-Type": "application/json"}
url += "?" + os.environ.get("SANDBOX_CLAIMS", "")
request = urllib.request.Request(url, json.dumps(body).encode(), headers)
try:
    print(json.load(urllib.request.urlopen(request, timeout=30))["token"])
except OSError as error:
    sys.exit("fatal: could not obtain OIDC token: " + str(error))
"""
_CIRCLECI = """\
import json, os, sys, urllib.parse, urllib.request
words = sys.argv[1:]
if words[:4] != ["run", "oidc", "get", "--claims"] or len(words) != 5:
    sys.exit("Error: unknown command or flag")
query = urllib.parse.urlencode({"audience": json.loads(words[4])["aud"]})
url = os.environ["SANDBOX_CIRCLECI"] + "?" + query + "&" + os.environ.get("SANDBOX_CLAIMS", "")
try:
    print(urllib.request.urlopen(url, timeout=30).read().decode())
except OSError as error:
    sys.exit("Error: " + str(error))
"""


@dataclass
class CIMachine:
    """One job's machine: the files and variables that a job of the issuer's kind gets."""

    issuer: CIIssuer
    folder: Path
    _renewed: float = field(default=0.0, init=False)

    def environment(self) -> Mapping[str, str]:
        """Return the variables of the default job, and write the files that they name."""
        issuer = self.issuer
        if isinstance(issuer, BuildkiteIssuer):
            return {**issuer.job_environment(), "PATH": self._program("buildkite-agent", _AGENT)}
        if isinstance(issuer, CircleCIIssuer):
            path = self._program("circleci", _CIRCLECI)
            return {"CIRCLECI": "true", "SANDBOX_CIRCLECI": self.token_url, "PATH": path}
        if isinstance(issuer, KubernetesIssuer):
            self.renew()
            return {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "FULLSEND_ID_TOKEN_FILE": str(self.token_file)}
        if isinstance(issuer, GitLabIssuer):
            return {"GITLAB_CI": "true"}
        raise TypeError(f"the sandbox has no machine for {issuer.kind}")

    @property
    def token_url(self) -> str:
        """Where the sandbox hands out the default job's token."""
        return f"{self.issuer.url}/{PREFIX}/token"

    @property
    def token_file(self) -> Path:
        """Where the kubelet writes the token."""
        return self.folder / f"{self.issuer.name}-token"

    def renew(self) -> None:
        """Write a fresh token into the file if the last one is due, as the kubelet does."""
        now = self.issuer.clock()
        if isinstance(self.issuer, KubernetesIssuer) and now >= self._renewed + RENEWED_AT * self.issuer.lifetime:
            fresh = self.token_file.with_suffix(".new")
            fresh.touch(OWNER_ONLY)
            fresh.write_text(self.issuer.token(), encoding="ascii")
            fresh.replace(self.token_file)
            self._renewed = now

    def _program(self, name: str, source: str) -> str:
        """Write a program and return the folder to put before PATH."""
        folder = self.folder / f"{self.issuer.name}-bin"
        folder.mkdir(exist_ok=True)
        program = folder / name
        program.write_text(f"#!{sys.executable} -I\n{source}", encoding="utf-8")
        program.chmod(0o755)
        return str(folder)
