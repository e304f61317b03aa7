"""Emulate the OIDC issuer token.actions.githubusercontent.com and its token endpoint for jobs.

It sets times and audiences. `signing.KeyRing` has the keys, `job.Job` a job's claims. GitHub: "OpenID Connect";
OpenID Connect Discovery 1.0. Other CI systems' issuers are in `ci/`.
"""

import json
import secrets
import threading
import uuid
from collections.abc import Callable, Mapping
from time import time

from cryptography.hazmat.primitives.asymmetric import rsa
from werkzeug.wrappers import Request, Response

from fullsend_sandbox.clock import Clock
from fullsend_sandbox.job import Job
from fullsend_sandbox.keys import new_key
from fullsend_sandbox.loopback import LoopbackService
from fullsend_sandbox.routes import Route, Routes
from fullsend_sandbox.signing import KeyRing, PublicKey

AUDIENCE = "fullsend-mint"
LIFETIME = 300
NOT_BEFORE = 600
"""GitHub dates `nbf` ten minutes before `iat`."""


class Issuer(LoopbackService):
    """Issues tokens to jobs, publishes its keys, rotates them on demand."""

    def __init__(self, *, clock: Clock = time, make_key: Callable[[], rsa.RSAPrivateKey] = new_key) -> None:
        table: list[Route] = [
            ("GET", "/.well-known/openid-configuration", self._discovery),
            ("GET", "/.well-known/jwks", self._jwks),
            ("GET", "/token-request/<_run>", self._token_request),
        ]
        super().__init__("issuer", Routes(table, otherwise=_problem), clock=clock)
        self._keys = KeyRing(make_key)
        self._state = threading.Lock()
        self._jobs: dict[str, Job] = {}

    def rotate_key(self, *, publish: bool = True, retire: bool = False) -> None:
        """Sign with a new key from now on; optionally publish it, and optionally withdraw the older keys."""
        self._keys.rotate(publish=publish, retire=retire)

    def published_keys(self) -> Mapping[str, PublicKey]:
        """Return the public keys by key id, as a client that has just fetched them."""
        return self._keys.public_keys()

    def claims(self, job: Job, audience: str = AUDIENCE, **overrides: object) -> dict[str, object]:
        """Return the claims of a fresh token; an override of None leaves the claim out."""
        now = int(self.clock())
        claims: dict[str, object] = {
            "jti": str(uuid.uuid4()),
            "aud": audience,
            **job.claims(),
            "iss": self.url,
            "nbf": now - NOT_BEFORE,
            "exp": now + LIFETIME,
            "iat": now,
        }
        claims |= overrides
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, job: Job, audience: str = AUDIENCE, **overrides: object) -> str:
        """Return a signed token for a job; overrides replace claims, None removes one."""
        return self.sign(self.claims(job, audience, **overrides))

    def forged_token(self, job: Job, audience: str = AUDIENCE, **overrides: object) -> str:
        """Return a token that looks genuine, with a published key id, but is signed with another key."""
        return self._keys.forge(self.claims(job, audience, **overrides))

    def sign(self, claims: Mapping[str, object]) -> str:
        """Sign any claims with the key in use."""
        return self._keys.sign(claims)

    def job_environment(self, job: Job) -> dict[str, str]:
        """Return the variables that a runner gives a job with `permissions: id-token: write`."""
        request_token = secrets.token_urlsafe(32)
        with self._state:
            self._jobs[request_token] = job
        return {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.url}/token-request/{job.run_id}?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": request_token,
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": job.repository,
            "GITHUB_REPOSITORY_OWNER": job.owner,
            "GITHUB_RUN_ID": job.run_id,
            "GITHUB_RUN_ATTEMPT": job.run_attempt,
            "GITHUB_REF": job.ref,
            "GITHUB_SHA": job.sha,
        }

    def _discovery(self, _request: Request) -> Response:
        return _json(
            {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/.well-known/jwks",
                "subject_types_supported": ["public", "pairwise"],
                "response_types_supported": ["id_token"],
                "claims_supported": sorted({*Job().claims(), "iss", "aud", "exp", "iat", "nbf", "jti"}),
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": ["openid"],
            }
        )

    def _jwks(self, _request: Request) -> Response:
        return _json(self._keys.jwks())

    def _token_request(self, request: Request, _run: str) -> Response:
        scheme, _, presented = request.headers.get("Authorization", "").partition(" ")
        with self._state:
            job = self._jobs.get(presented)
        if job is None or scheme.lower() != "bearer":
            return _json({"message": "The request token is missing or not one of a running job."}, 401)
        audience = request.args.get("audience") or f"https://github.com/{job.owner}"
        token = self.token(job, audience)
        return _json({"count": len(token), "value": token})


def _json(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value), status=status, content_type="application/json; charset=utf-8")


def _problem(_request: Request, status: int) -> Response:
    return _json({"message": "There is no such endpoint."}, status)
