"""For any token of any issuer, the mint grants or refuses as an independent oracle computes.

`make trust-oracle` and `make test-long` ask 20,000 times, `make test` a few hundred times. A failure names the
seed, which repeats it.
"""

from __future__ import annotations

import json
import os
import random
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from fullsend_sandbox.keys import new_key
from fullsend_sandbox.signing import SigningKey, new_ec_key
from mintcore.errors import MintError
from mintcore.minting.lookups import Lookups
from mintcore.outbound.channel import Outbound
from mintcore.policy.caller import JobCaller
from mintcore.policy.issuers import Issuer
from mintcore.policy.kinds.github import GITHUB as GITHUB_KIND
from mintcore.policy.token_request import parse_token_request
from mintcore.request import InstallationToken
from mintcore.secret import Secret
from mintcore.service import MintService
from mintcore.settings.environment import read_standalone
from mintcore.startup.issuers import read_key_files, trust_issuers
from mintcore.verify.chain import StandaloneVerifier
from tests.mint_doubles import FakeClock, new_attempt
from tests.property.jobs_oracle import Granted, JobsOracle
from tests.property.jobs_requests import GITHUB, NOW, URLS, bearer, body, environment
from tests.property.seed import chosen_seed

if TYPE_CHECKING:
    from pathlib import Path

    from mintcore.request import DecisionRecord
    from tests.property.jobs_oracle import Bearer

REQUESTS = int(os.environ.get("TRUST_REQUESTS", "400"))
MANY = 20_000
PER_ENVIRONMENT = 20
HOLDERS = (*URLS, "", "stranger")


class Forge:
    """Keeps what a token was requested for; an InstallationTokens, AppAssertions and AuditLog."""

    def __init__(self) -> None:
        self.issued: list[tuple[str, frozenset[str], dict[str, str]]] = []
        self.last: DecisionRecord | None = None

    def assertion(self, _app: object, _context: object) -> Secret:
        return Secret("app jwt")

    def issue(self, _app: object, target: Any, scope: Any, _context: object) -> InstallationToken:
        names = frozenset(f"{target.org}/{name}".lower() for name in scope.repos)
        self.issued.append((target.org.key, names, dict(scope.permissions)))
        return InstallationToken(Secret("token"), "2030-01-01T00:00:00Z", (), scope.permissions, "selected", 1)

    def prepare(self, _app: object, _target: object, _scope: object, _context: object) -> None:
        """Prepare nothing."""

    def revoke(self, _token: object, _context: object) -> bool:
        return True

    def refused(self, _app: object, _assertion: object) -> bool:
        """Forget nothing."""
        return True

    def correct_clock(self, _date: str) -> bool:
        return False

    def record(self, record: DecisionRecord) -> None:
        self.last = record


class Holders:
    """The keys of every issuer, and of a stranger; each has one for either algorithm."""

    def __init__(self, directory: Path) -> None:
        self.keys = {
            (name, algorithm): SigningKey(made)
            for name in HOLDERS
            for algorithm, made in (("RS256", new_key()), ("ES256", new_ec_key()))
        }
        self.files = {}
        for name in (*URLS, ""):
            path = directory / f"{name or 'hub'}.json"
            # An issuer that signs with RS256 publishes a key for ES256 too, which the mint must not use.
            jwks = [self.keys[name, "RS256"].jwk(), self.keys[name, "ES256"].jwk()]
            path.write_text(json.dumps({"keys": jwks}), encoding="utf-8")
            self.files[name] = str(path)

    def token(self, one: Bearer) -> str:
        signer = self.keys[one.signer, one.algorithm]
        return jwt.encode(
            dict(one.claims), signer.private, one.algorithm, {"kid": self.keys[one.names_key_of, one.algorithm].kid}
        )


def mint_of(variables: dict[str, str], files: dict[str, str], forge: Forge) -> MintService:
    common = read_standalone(variables).common
    clock = FakeClock(NOW)
    hub = Issuer("", GITHUB_KIND, GITHUB, "fullsend-mint", files[""])
    issuers = [hub, *common.issuers[1:]]
    trusted = trust_issuers(
        issuers, read_key_files(issuers), Outbound(clock, connections=1), clock, fetch_seconds=1, threads=8
    )
    return MintService(
        policy=common.policy, verifier=StandaloneVerifier(trusted, clock), assertions=forge, tokens=forge,
        lookups=Lookups(None, None), limiter=None, token_uses=None, audit=forge,
    )  # fmt: skip


def ask(service: MintService, token: str, wanted: dict[str, Any], clock: FakeClock) -> str:
    """Return the code of the refusal, empty if the mint grants."""
    try:
        service.mint(token, parse_token_request(json.dumps(wanted).encode()), new_attempt(clock))
    except MintError as failure:
        return failure.code
    return ""


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("requests", [REQUESTS, pytest.param(MANY, marks=pytest.mark.long)])
def test_every_token_is_what_a_second_opinion_says(tmp_path: Path, requests: int) -> None:
    seed = chosen_seed()
    dice = random.Random(seed)  # noqa: S311 - chance for a test
    holders, forge, clock = Holders(tmp_path), Forge(), FakeClock(NOW)
    codes: dict[str, int] = {}
    granted = {"job": 0, "workflow": 0}
    for number in range(requests):
        if number % PER_ENVIRONMENT == 0:
            variables = environment(dice, holders.files)
            service, oracle = mint_of(variables, holders.files, forge), JobsOracle(variables, GITHUB, NOW)
        one, wanted = bearer(dice), body(dice)
        case = f"TRUST_SEED={seed}, request {number}: {variables} {one} {wanted}"
        said, forge.issued = oracle.answer(one, wanted), []
        refusal = ask(service, holders.token(one), wanted, clock)
        if refusal:
            assert (refusal, forge.issued) == (said, []), case
            codes[refusal] = codes.get(refusal, 0) + 1
            continue
        assert isinstance(said, Granted), f"{said}: {case}"
        assert forge.issued == [(said.org, said.repos, dict(said.permissions))], case
        assert forge.last is not None
        caller = forge.last.caller
        assert (caller.entry.index if isinstance(caller, JobCaller) else None) == said.entry, case
        granted["workflow" if said.entry is None else "job"] += 1
    assert granted["job"] > requests / 100  # about a twentieth are granted
    assert granted["workflow"]
    assert set(codes) >= {"invalid_token", "claims_not_allowed", "org_not_allowed", "role_not_allowed"}
