"""One issuer of each kind, and a mint that verifies tokens of all of them."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from fullsend_sandbox import names
from fullsend_sandbox.ci import KINDS as SANDBOX_KINDS
from fullsend_sandbox.ci import CISystems
from fullsend_sandbox.issuer import Issuer as GitHub
from fullsend_sandbox.keys import KeyPool, new_key
from fullsend_sandbox.signing import SigningKey, new_ec_key
from fullsend_sandbox.sts import SecurityTokenService as SandboxSts
from fullsend_sandbox.wif import Federation
from mintcore.errors import InvalidToken
from mintcore.outbound.channel import Outbound
from mintcore.policy.issuers import Issuer
from mintcore.policy.kinds.table import KINDS
from mintcore.startup.issuers import trust_issuers
from mintcore.verify.chain import HostedVerifier, StandaloneVerifier
from mintcore.verify.sts import SecurityTokenService
from tests.mint_doubles import AUDIENCE, FakeClock, new_attempt

if TYPE_CHECKING:
    from fullsend_sandbox.ci.issuer import CIIssuer
    from mintcore.policy.caller import Job, WorkflowCaller

JOBS = ("gitlab", "buildkite", "circleci", "kubernetes")
THREADS = 8


@dataclass
class Issuers:
    """GitHub's issuer and one of each kind on loopback, and the mint's verifiers of both modes."""

    keys: KeyPool
    clock: FakeClock = field(default_factory=FakeClock)
    fetch_seconds: float = 3.0

    def __post_init__(self) -> None:
        self.federation = Federation(names.PROJECT_NUMBER)
        self.federation.create_pool(names.POOL)
        self.github = GitHub(clock=self.clock.now, make_key=self.keys.next_key).start()
        self.ci = CISystems(self.federation, clock=self.clock.now, make_key=self.keys.next_key)
        for kind in JOBS:
            self.ci.add(kind)
        self.sts = SandboxSts(self.federation, self.ci.keys_of, clock=self.clock.now).start()
        self.issuers = [
            Issuer("", KINDS["github"], self.github.url, AUDIENCE),
            *(Issuer(kind, KINDS[kind], self.ci[kind].issuer, AUDIENCE) for kind in JOBS),
        ]
        self.verifier = self.standalone()

    def stop(self) -> None:
        for service in (self.github, self.ci, self.sts):
            service.stop()

    def standalone(self, *issuers: Issuer, **files: Any) -> StandaloneVerifier:
        trusted = trust_issuers(
            issuers or self.issuers,
            files,
            Outbound(self.clock, connections=2),
            self.clock,
            fetch_seconds=self.fetch_seconds,
            threads=THREADS,
        )
        return StandaloneVerifier(trusted, self.clock)

    def hosted(self, *, overlap: bool = False) -> HostedVerifier:
        outbound = Outbound(self.clock, connections=2)
        trusted = trust_issuers(self.issuers, {}, outbound, self.clock, fetch_seconds=3, threads=THREADS)
        channel = outbound.channel("sts", self.sts.url)
        sts = SecurityTokenService(channel, project_number=names.PROJECT_NUMBER, pool=names.POOL)
        return HostedVerifier(
            trusted, sts, self.clock, provider_for=lambda claimant: f"ci-{claimant.issuer}", overlap=overlap
        )

    def check(self, token: str) -> Job | WorkflowCaller:
        return self.verifier.check_locally(token, new_attempt(self.clock)).caller

    def refused(self, token: str) -> str:
        with pytest.raises(InvalidToken) as refused:
            self.check(token)
        return refused.value.detail


def fetches(issuer: CIIssuer | GitHub) -> int:
    return issuer.traffic.count(path_prefix="/", method="GET")


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def jwks(*keys: SigningKey, **changes: Any) -> dict[str, Any]:
    return {"keys": [key.jwk() | changes for key in keys]}


RSA_KEY, EC_KEY = SigningKey(new_key()), SigningKey(new_ec_key())
CLUSTER = Issuer("cluster", KINDS["kubernetes"], "https://cluster.test", AUDIENCE, "jwks.json")


def cluster_claims(issuers: Issuers) -> dict[str, Any]:
    return SANDBOX_KINDS["kubernetes"](clock=issuers.clock.now, issuer=CLUSTER.url, make_key=new_ec_key).claims()
