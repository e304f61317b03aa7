"""The chain of proofs of a token, hosted and standalone."""

from __future__ import annotations

import json
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest

from fullsend_sandbox.issuer import Issuer
from fullsend_sandbox.job import Job
from fullsend_sandbox.sts import SecurityTokenService as SandboxSts
from fullsend_sandbox.wif import Federation, Provider
from mintcore.clock import CorrectedClock
from mintcore.errors import InvalidToken, IssuerUnavailable, ProviderMisconfigured
from mintcore.outbound.channel import Outbound
from mintcore.policy.caller import WorkflowCaller
from mintcore.policy.claims import GenuineClaims, Proof, SignedClaims, UnprovenClaims
from mintcore.verify.chain import HostedVerifier, StandaloneVerifier
from mintcore.verify.jwks import IssuerKeys
from mintcore.verify.sts import SecurityTokenService
from tests.mint_doubles import FakeClock, new_attempt, trusted
from tests.unit.outbound.loopback_peer import Peer, answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mintcore.policy.caller import Claimant

POOL = "fullsend-pool"


@pytest.fixture
def issuer(clock: FakeClock) -> Iterator[Issuer]:
    with Issuer(clock=clock.now) as running:
        yield running


class Chain:
    """Both verifiers against the sandbox's issuer and token service."""

    def __init__(self, clock: FakeClock, issuer: Issuer) -> None:
        self.clock, self.issuer = clock, issuer
        federation = Federation("123")
        federation.create_pool(POOL)
        federation.put_provider(
            POOL,
            Provider(
                provider_id="github-oidc", issuer=issuer.url, allowed_audiences=("fullsend-mint",),
                attribute_condition="assertion.repository_owner == 'octo-org'",
            ),
        )  # fmt: skip
        self.sts = SandboxSts(federation, lambda _url: issuer.published_keys(), clock=clock.now)
        self.asked_for: list[str] = []

    def _keys(self, outbound: Outbound) -> IssuerKeys:
        return IssuerKeys(self.issuer.url, outbound, self.clock, fetch_seconds=3)

    def _provider_for(self, caller: Claimant) -> str:
        assert isinstance(caller, WorkflowCaller)
        self.asked_for.append(str(caller.repository))
        return "github-oidc"

    def hosted(self) -> HostedVerifier:
        outbound = Outbound(self.clock, connections=2)
        service = SecurityTokenService(outbound.channel("sts", self.sts.url), project_number="123", pool=POOL)
        return HostedVerifier(
            [trusted(self.issuer.url, self._keys(outbound))], service, self.clock, provider_for=self._provider_for,
        )  # fmt: skip

    def standalone(self) -> StandaloneVerifier:
        keys = self._keys(Outbound(self.clock, connections=2))
        return StandaloneVerifier([trusted(self.issuer.url, keys)], self.clock)


@pytest.fixture
def chain(clock: FakeClock, issuer: Issuer) -> Iterator[Chain]:
    given = Chain(clock, issuer)
    with given.sts:
        yield given


def verified(chain: Chain, verifier: HostedVerifier | StandaloneVerifier, token: str) -> GenuineClaims:
    attempt = new_attempt(chain.clock)
    return verifier.confirm(token, verifier.check_locally(token, attempt), attempt)


def test_hosted_a_genuine_token_has_two_proofs(chain: Chain) -> None:
    genuine = verified(chain, chain.hosted(), chain.issuer.token(Job()))
    assert genuine.proof is Proof.SIGNATURE_AND_STS
    assert isinstance(genuine.caller, WorkflowCaller)
    assert str(genuine.caller.repository) == "octo-org/app"
    assert chain.asked_for == ["octo-org/app"]


def test_hosted_without_the_issuers_keys_googles_word_stands_alone(chain: Chain) -> None:
    verifier, token = chain.hosted(), chain.issuer.token(Job())
    chain.issuer.stop()
    assert isinstance(verifier.check_locally(token, new_attempt(chain.clock)), UnprovenClaims)
    assert verified(chain, verifier, token).proof is Proof.STS


def test_hosted_without_the_issuers_keys_a_forged_token_is_refused_by_google(chain: Chain) -> None:
    verifier, token = chain.hosted(), chain.issuer.forged_token(Job())
    chain.issuer.stop()
    with pytest.raises(InvalidToken):
        verified(chain, verifier, token)
    assert chain.sts.traffic.count() == 1


FORGERIES: dict[str, dict[str, Any]] = {
    "expired": {"exp": 1}, "from the future": {"iat": 2**40}, "not yet": {"nbf": 2**40},
    "other issuer": {"iss": "x"},
    "other audience": {"aud": "sts.googleapis.com"}, "no repository": {"repository": None},
    "other owner": {"repository_owner": "evil"}, "endless": {"exp": 10**400},
}  # fmt: skip


@pytest.mark.parametrize("changes", FORGERIES.values(), ids=FORGERIES.keys())
def test_hosted_claims_that_do_not_hold_never_reach_google(chain: Chain, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidToken):
        verified(chain, chain.hosted(), chain.issuer.token(Job(), **changes))
    assert chain.sts.traffic.count() == 0


def test_hosted_a_forged_signature_never_reaches_google(chain: Chain) -> None:
    with pytest.raises(InvalidToken):
        verified(chain, chain.hosted(), chain.issuer.forged_token(Job()))
    assert chain.sts.traffic.count() == 0


def test_hosted_what_google_refuses_is_refused(chain: Chain) -> None:
    with pytest.raises(InvalidToken):
        verified(chain, chain.hosted(), chain.issuer.token(Job(repository="other-org/app")))


class Refusing:
    """The chain with a token service that gives the test's answers."""

    def __init__(self, chain: Chain, reply: bytes) -> None:
        self._chain, self._reply = chain, reply

    def refusal(self, *, keys: bool = True) -> InvalidToken:
        chain = self._chain
        token, url = chain.issuer.token(Job()), chain.issuer.url
        if not keys:
            chain.issuer.stop()
        with Peer(lambda _number: [self._reply]) as peer:
            outbound = Outbound(chain.clock, connections=2)
            issuer_keys = IssuerKeys(url, outbound, chain.clock, fetch_seconds=3)
            sts = SecurityTokenService(outbound.channel("sts", peer.url), project_number="123", pool=POOL)
            verifier = HostedVerifier(
                [trusted(url, issuer_keys)], sts, chain.clock, provider_for=lambda _caller: "gh",
            )  # fmt: skip
            with pytest.raises(InvalidToken) as refused:
                verified(chain, verifier, token)
        return refused.value


def google_says(status: int, error: object, description: str = "") -> bytes:
    return answer(status, json.dumps({"error": error, "error_description": description}).encode())


DISABLED = {"code": 403, "status": "PERMISSION_DENIED", "message": "STS API has not been used in project 1\nbefore"}
OPERATORS = {
    "provider deleted": google_says(400, "invalid_target", "The target service indicated is invalid."),
    "mapping": google_says(400, "invalid_request", "The size of mapped attribute google.subject exceeds 127 bytes"),
    "no value": google_says(400, "invalid_grant", "Could not obtain a value for google.subject"),
    "issuer": google_says(400, "invalid_grant", "Error connecting to the given credential's issuer."),
    "audience": google_says(
        400, "invalid_grant", "The audience in ID Token [x] does not match the expected audience y."
    ),
    "API disabled": google_says(403, DISABLED),
}
CALLERS = {
    "stale": google_says(400, "invalid_grant", "ID Token issued at 2026 is stale to sign-in."),
    "signature": google_says(400, "invalid_grant", "Invalid ID Token signature."),
    "condition": google_says(
        401, "unauthorized_client", "The given credential is rejected by the attribute condition."
    ),
}


@pytest.mark.parametrize("reply", OPERATORS.values(), ids=OPERATORS.keys())
def test_a_refusal_that_only_the_operator_can_fix_says_so_to_a_proven_caller(chain: Chain, reply: bytes) -> None:
    refused = Refusing(chain, reply).refusal()
    assert isinstance(refused, ProviderMisconfigured)
    assert (refused.code, refused.status) == ("invalid_token", 401)
    assert "request-1" in refused.public
    assert "operator" in refused.public
    assert "\n" not in refused.detail


@pytest.mark.parametrize("reply", OPERATORS.values(), ids=OPERATORS.keys())
def test_an_unproven_caller_gets_the_same_sentence_as_every_other(chain: Chain, reply: bytes) -> None:
    refused = Refusing(chain, reply).refusal(keys=False)
    assert not isinstance(refused, ProviderMisconfigured)
    assert refused.public == InvalidToken.sentence


@pytest.mark.parametrize("reply", CALLERS.values(), ids=CALLERS.keys())
def test_a_refusal_of_the_token_itself_is_the_callers(chain: Chain, reply: bytes) -> None:
    refused = Refusing(chain, reply).refusal()
    assert not isinstance(refused, ProviderMisconfigured)
    assert refused.public == InvalidToken.sentence


def test_standalone_the_signature_is_the_proof_and_google_is_not_asked(chain: Chain) -> None:
    assert verified(chain, chain.standalone(), chain.issuer.token(Job())).proof is Proof.SIGNATURE
    assert chain.sts.traffic.count() == 0


def test_standalone_without_the_issuers_keys_every_caller_is_denied(chain: Chain) -> None:
    verifier, token = chain.standalone(), chain.issuer.token(Job())
    chain.issuer.stop()
    with pytest.raises(IssuerUnavailable):
        verifier.check_locally(token, new_attempt(chain.clock))


def test_standalone_without_a_known_key_and_the_issuer_down_every_caller_is_denied(chain: Chain) -> None:
    verifier = chain.standalone()
    verified(chain, verifier, chain.issuer.token(Job()))
    chain.issuer.rotate_key()
    token = chain.issuer.token(Job())
    chain.issuer.stop()
    with pytest.raises(IssuerUnavailable):
        verifier.check_locally(token, new_attempt(chain.clock))


def test_standalone_unproven_claims_are_never_confirmed(chain: Chain) -> None:
    signed = chain.standalone().check_locally(chain.issuer.token(Job()), new_attempt(chain.clock))
    assert isinstance(signed, SignedClaims)
    with pytest.raises(InvalidToken):
        chain.standalone().confirm("x", UnprovenClaims(signed.caller), new_attempt(chain.clock))


def test_a_token_that_names_another_issuer_is_not_looked_up_there(chain: Chain) -> None:
    keys = json.dumps({"keys": []}).encode()
    with Peer(lambda _number: [answer(200, keys)]) as evil, pytest.raises(InvalidToken):
        chain.standalone().check_locally(chain.issuer.token(Job(), iss=evil.url), new_attempt(chain.clock))
    assert evil.requests == []


def test_a_signed_tokens_time_is_witnessed_and_a_forged_ones_is_not(chain: Chain) -> None:
    verifier, soon = chain.standalone(), int(chain.clock.now()) + 20
    with pytest.raises(InvalidToken):
        verifier.check_locally(chain.issuer.forged_token(Job(), iat=soon), new_attempt(chain.clock))
    assert chain.clock.witnessed == []
    verifier.check_locally(chain.issuer.token(Job(), iat=soon), new_attempt(chain.clock))
    assert set(chain.clock.witnessed) == {soon}


def test_an_old_date_of_the_key_set_does_not_keep_genuine_tokens_out(issuer: Issuer) -> None:
    clock = CorrectedClock()
    outbound = Outbound(clock, connections=2)
    keys = IssuerKeys(issuer.url, outbound, clock, fetch_seconds=3)
    verifier = StandaloneVerifier([trusted(issuer.url, keys)], clock)
    now = int(time.time())
    assert clock.observe(formatdate(now - 700, usegmt=True), cacheable=True)
    verifier.check_locally(issuer.token(Job(), iat=now, nbf=now, exp=now + 300), new_attempt(clock))
    assert clock.offset == 0


def test_only_exp_ends_a_token_however_long_ago_it_was_issued(issuer: Issuer) -> None:
    clock = CorrectedClock()
    keys = IssuerKeys(issuer.url, Outbound(clock, connections=2), clock, fetch_seconds=3)
    verifier = StandaloneVerifier([trusted(issuer.url, keys)], clock)
    now = int(time.time())
    token = issuer.token(Job(), iat=now - 86400, nbf=now - 86400, exp=now + 60)
    assert verifier.check_locally(token, new_attempt(clock)) is not None


def test_an_old_date_does_not_revive_a_token_that_has_expired(issuer: Issuer) -> None:
    clock = CorrectedClock()
    keys = IssuerKeys(issuer.url, Outbound(clock, connections=2), clock, fetch_seconds=3)
    verifier = StandaloneVerifier([trusted(issuer.url, keys)], clock)
    now = int(time.time())
    verifier.check_locally(issuer.token(Job(), iat=now, nbf=now, exp=now + 300), new_attempt(clock))
    clock.observe(formatdate(now - 700, usegmt=True), cacheable=True)
    with pytest.raises(InvalidToken):
        verifier.check_locally(issuer.token(Job(), iat=now - 900, nbf=now - 900, exp=now - 600), new_attempt(clock))
