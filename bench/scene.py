"""Start the benchmark's world in a process, change its latency, and read its counts."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import jwt
import urllib3

from bench.answers import kms_version
from bench.certificate import certificate
from bench.server import ROOT
from bench.world import HOST
from fullsend_sandbox import names
from fullsend_sandbox.job import Job
from fullsend_sandbox.keys import new_key, pem

if TYPE_CHECKING:
    from collections.abc import Mapping

ROLE = "coder"
ROLES = ("coder", "review", "triage")
"""The roles for which the mint has keys; all requests are for the first."""
TOKENS = 64
TOKEN_SECONDS = 3600
BODY = json.dumps({"role": ROLE, "repos": ["app"]}).encode()
_KEY_ID = "bench-key"


class Scene:
    """The world as a process, and requests that it and a mint accept; a context manager."""

    def __init__(self) -> None:
        self._issuer_key = new_key()
        self._pems = {role: pem(new_key()).decode() for role in ROLES}
        self._http = urllib3.PoolManager(retries=False, timeout=10)

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.world"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        chain, key = certificate()
        self._folder = tempfile.TemporaryDirectory()
        self._authority = Path(self._folder.name) / "ca.pem"
        self._authority.write_text(chain)
        setup = {"pems": self._pems, "jwks": {"keys": [self._jwk()]}, "certificate": chain, "key": key}
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        # Through a pipe: other users can read command lines.
        self._process.stdin.write(json.dumps(setup) + "\n")
        self._process.stdin.flush()
        self._ports: dict[str, int] = json.loads(self._process.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        self._http.clear()
        self._process.communicate(timeout=10)
        self._folder.cleanup()

    @property
    def pid(self) -> int:
        """The world's process id."""
        return self._process.pid

    def url(self, service: str) -> str:
        """Return where a service listens."""
        return f"http://{HOST}:{self._ports[service]}"

    def set_latency(self, milliseconds: int) -> None:
        """Make each answer of each service take this long."""
        self._control("POST", f"/latency/{milliseconds}")

    def calls(self) -> dict[str, int]:
        """Return the number of calls of each kind. Raises RuntimeError for an unknown kind."""
        calls: dict[str, int] = self._control("GET", "/calls")
        if calls.get("unknown"):
            raise RuntimeError("the world got a request for an unknown path: a service's path has changed")
        return calls

    def calls_since(self, before: Mapping[str, int]) -> dict[str, int]:
        """Return the calls that came after ``before``, kinds without any left out."""
        return {kind: n - before.get(kind, 0) for kind, n in self.calls().items() if n > before.get(kind, 0)}

    def environment(self) -> dict[str, str]:
        """Return the environment of a mint, ours or the baseline, in this world."""
        return {
            "ALLOWED_ORGS": names.ORG,
            "ALLOWED_WORKFLOW_FILES": "triage.yml,coder.yml,review.yml",
            "ROLE_APP_IDS": json.dumps({role: str(number) for number, role in enumerate(ROLES, 1)}),
            "GCP_PROJECT_NUMBER": names.PROJECT_NUMBER,
            "WIF_POOL_NAME": names.POOL,
            "WIF_PROVIDER_NAME": names.PROVIDER,
            "OIDC_ISSUER_URL": self.url("issuer"),
            "STS_URL": self.url("sts"),
            "SECRET_MANAGER_URL": self.url("secretmanager"),
            "GITHUB_API_URL": self.url("github"),
        }

    def tls_environment(self) -> dict[str, str]:
        """Return the environment of a mint, ours or the baseline, whose STS and GitHub speak TLS."""
        urls = {
            variable: f"https://{HOST}:{self._ports[f'{service}-tls']}"
            for service, variable in (("sts", "STS_URL"), ("github", "GITHUB_API_URL"))
        }
        trust = {"SSL_CERT_FILE": str(self._authority), "REQUESTS_CA_BUNDLE": str(self._authority)}
        return self.environment() | urls | trust

    def kms_environment(self) -> dict[str, str]:
        """Return the environment of a mint whose keys are in Cloud KMS, without a Secret Manager to ask."""
        keys = {role: kms_version(role) for role in ROLES}
        others = {name: value for name, value in self.environment().items() if name != "SECRET_MANAGER_URL"}
        return others | {"ROLE_KMS_KEYS": json.dumps(keys), "KMS_URL": self.url("kms")}

    def standalone_environment(self) -> dict[str, str]:
        """Return the environment of a standalone mint in this world."""
        folder = Path(self._folder.name) / "pems"
        folder.mkdir(exist_ok=True)
        for role, text in self._pems.items():
            (folder / f"{role}.pem").touch(mode=0o600)
            (folder / f"{role}.pem").write_text(text)
        hosted = ("GCP_PROJECT_NUMBER", "WIF_POOL_NAME", "WIF_PROVIDER_NAME", "STS_URL", "SECRET_MANAGER_URL")
        common = {name: value for name, value in self.environment().items() if name not in hosted}
        return common | {"PEM_DIR": str(folder), "BIND": HOST}

    def standalone_kms_environment(self) -> dict[str, str]:
        """Return the environment of a standalone mint whose keys are in Cloud KMS."""
        hosted = self.kms_environment()
        return self.standalone_environment() | {name: hosted[name] for name in ("ROLE_KMS_KEYS", "KMS_URL")}

    def requests(self) -> list[bytes]:
        """Return whole HTTP requests for a token, each with an OIDC token of its own."""
        return [self._request(self._token(run)) for run in range(TOKENS)]

    def _control(self, method: str, path: str) -> Any:
        response = self._http.request(method, self.url("control") + path)
        return json.loads(response.data)

    def _token(self, run: int) -> str:
        now = int(time.time())
        times = {"iat": now, "nbf": now - 60, "exp": now + TOKEN_SECONDS}
        job = Job(workflow=f"{names.ORG}/.fullsend/.github/workflows/coder.yml@refs/heads/main", run_id=str(run))
        claims = job.claims() | times | {"iss": self.url("issuer"), "aud": names.AUDIENCE, "jti": uuid.uuid4().hex}
        return jwt.encode(claims, self._issuer_key, "RS256", headers={"kid": _KEY_ID})

    @staticmethod
    def _request(token: str) -> bytes:
        head = (
            f"POST /v1/token HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {token}\r\nAccept: */*\r\n"
            f"Content-Type: application/json\r\nUser-Agent: bench\r\nContent-Length: {len(BODY)}\r\n\r\n"
        )
        return head.encode() + BODY

    def _jwk(self) -> dict[str, str]:
        numbers = self._issuer_key.public_key().public_numbers()
        return {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": _KEY_ID,
            "n": _base64url(numbers.n),
            "e": _base64url(numbers.e),
        }


def _base64url(number: int) -> str:
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
