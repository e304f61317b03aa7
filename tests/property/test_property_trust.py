"""For any request, GitHub's token is the one that an independent oracle computes, or none is made.

`make trust-oracle` asks 20,000 times; here it is fewer. A failure names the seed, which repeats it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from fullsend_sandbox.github import GitHubService
from fullsend_sandbox.keys import new_key
from mintcore.errors import MintError
from mintcore.github.client import AppClient
from mintcore.github.grant_variables import GrantVariables
from mintcore.github.host_commits import HostCommits
from mintcore.github.installations import GitHubTokens
from mintcore.github.lookup_limits import LookupLimits
from mintcore.keys.app_jwt import AppJwts
from mintcore.keys.rsa import parse_signer
from mintcore.minting.lookups import Lookups
from mintcore.outbound.channel import Outbound
from mintcore.policy.claims import GenuineClaims, Proof, SignedClaims, check_claims
from mintcore.policy.names import Role
from mintcore.policy.token_request import parse_token_request
from mintcore.service import MintService
from mintcore.settings.environment import read_standalone
from mintcore.startup.helper_threads import HelperThreads
from tests.mint_doubles import AUDIENCE, ISSUER, NOW, FakeClock, OneSigner, new_attempt
from tests.mint_doubles import claims as good_claims
from tests.property.seed import chosen_seed
from tests.property.trust_oracle import Granted, Oracle
from tests.property.trust_requests import body, claims, environment, furnish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mintcore.policy.caller import WorkflowCaller
    from mintcore.request import DecisionRecord

REQUESTS = int(os.environ.get("TRUST_REQUESTS", "3000"))
PER_ENVIRONMENT = 25


class OneCaller:
    """A verifier that takes one caller as proven, and an audit log that keeps the last record."""

    def __init__(self) -> None:
        self.caller: WorkflowCaller | None = None
        self.last: DecisionRecord | None = None

    def check_locally(self, _token: str, _context: object) -> SignedClaims:
        assert self.caller is not None
        return SignedClaims(self.caller)

    answers_later = False

    def confirm(self, _token: str, checked: Any, _context: object, _meanwhile: object = None) -> GenuineClaims:
        return GenuineClaims(checked.caller, Proof.SIGNATURE)

    def may_overlap(self, _checked: object) -> bool:
        return False

    def record(self, record: DecisionRecord) -> None:
        self.last = record


@dataclass
class Forged:
    """GitHub, and the mint's adapters to it; the cache of installations lives as long as the test."""

    github: GitHubService
    clock: FakeClock
    seams: OneCaller
    apps: dict[str, str]
    oracle_world: Any

    def service(self, given: dict[str, str]) -> MintService:
        return MintService(
            policy=read_standalone(given).common.policy, verifier=self.seams, assertions=self.assertions,
            tokens=self.tokens, lookups=self.lookups(), limiter=None, token_uses=None, audit=self.seams,
        )  # fmt: skip

    def start(self) -> None:
        pem = self.github.find_app(self.apps["coder"]).private_key_pem
        self.assertions = AppJwts(OneSigner(parse_signer(pem, Role("coder"))), self.clock)
        self.channel = Outbound(self.clock, connections=4).channel("github", self.github.api_url)
        self.tokens = GitHubTokens(AppClient(self.channel, self.assertions, self.clock), self.clock)

    def lookups(self) -> Lookups:
        """Return look-ups that have counted none yet: the clock stands still, so no limit ends."""
        limits = LookupLimits(self.clock)
        return Lookups(
            GrantVariables(self.channel, self.tokens, self.clock, limits),
            HostCommits(self.channel, self.tokens, self.clock, limits),
            HelperThreads(8),
        )


@pytest.fixture
def forged() -> Iterator[Forged]:
    key, clock = new_key(), FakeClock()
    github = GitHubService(clock=clock.now, make_key=lambda: key)
    forge, apps = furnish(github)
    with github:
        running = Forged(github, clock, OneCaller(), apps, forge)
        running.start()
        yield running


def ask(service: MintService, forged: Forged, given: dict[str, Any], wanted: dict[str, Any]) -> Any:
    """Return the mint's token and warnings, or the code of its refusal."""
    forged.seams.caller = check_claims(good_claims(**given), issuer=ISSUER, audience=AUDIENCE, now=NOW)
    try:
        return service.mint("token", parse_token_request(json.dumps(wanted).encode()), new_attempt(forged.clock))
    except MintError as failure:
        return failure.code


@pytest.mark.timeout(1800)
def test_every_token_is_what_a_second_opinion_says(forged: Forged) -> None:
    seed = chosen_seed()
    dice = random.Random(seed)  # noqa: S311 - chance for a test
    expected: dict[str, Granted] = {}
    codes: dict[str, int] = {}
    for number in range(REQUESTS):
        if number % PER_ENVIRONMENT == 0:
            variables = environment(dice, forged.oracle_world, forged.apps)
            service, oracle = forged.service(variables), Oracle(variables, forged.oracle_world)
        given, wanted = claims(dice, forged.oracle_world, forged.apps), body(dice)
        case = f"TRUST_SEED={seed}, request {number}: {variables} {given} {wanted}"
        said, got = oracle.answer(given, wanted), ask(service, forged, given, wanted)
        if isinstance(said, str):
            assert got in {said, *oracle.met_by_a_commit(given)}, case
            codes[said] = codes.get(said, 0) + 1
            continue
        assert not isinstance(got, str), f"{got}: {case}"
        assert len(got.warnings) == len(said.reported) + said.lacks, case
        assert forged.seams.last is not None
        assert forged.seams.last.decision is not None
        assert set(forged.seams.last.decision.would_deny) == said.reported, case
        token = got.token.token.reveal()
        expected[base64.b64encode(hashlib.sha256(token.encode()).digest()).decode()] = said
    assert_made(forged, expected)
    assert len(expected) > REQUESTS / 20
    assert set(codes) >= {"org_not_allowed", "workflow_not_allowed", "scope_not_allowed", "target_not_granted"}


def assert_made(forged: Forged, expected: dict[str, Granted]) -> None:
    """Compare with what GitHub made, not with what the mint says."""
    names = {forged.github.id_of(name): name for name in forged.oracle_world.repositories}
    made = {one.hashed: one for one in forged.github.live_tokens()}
    for hashed, said in expected.items():
        one = made[hashed]
        assert one.installation.account.login == said.org
        assert dict(one.permissions) == {"metadata": "read"} | dict(said.permissions)
        found = None if one.repository_ids is None else {names[number] for number in one.repository_ids}
        assert found == said.repos
