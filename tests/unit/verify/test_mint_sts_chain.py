from __future__ import annotations

import json
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from fullsend_sandbox.issuer import Issuer
from fullsend_sandbox.job import Job
from fullsend_sandbox.sts import SecurityTokenService as SandboxSts
from fullsend_sandbox.wif import Federation, Provider
from mintcore.clock import CorrectedClock
from mintcore.errors import InvalidToken, IssuerUnavailable, ProviderMisconfigured, StsRefused, StsUnavailable
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
TOKEN = "header.payload.signature"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def issuer(clock: FakeClock) -> Iterator[Issuer]:
    with Issuer(clock=clock.now) as running:
        yield running


def exchange(url: str, clock: FakeClock, token: str = TOKEN) -> None:
    channel = Outbound(clock, connections=2).channel("sts", url)
    SecurityTokenService(channel, project_number="123", pool=POOL).exchange(token, "gh", new_attempt(clock))


def against(clock: FakeClock, *answers: bytes | None) -> Peer:
    """Exchange at a service that answers so; the last answer stays."""
    with Peer(lambda number: [answers[min(number, len(answers) - 1)]]) as peer:
        exchange(peer.url, clock)
    return peer


def test_the_exchange_is_the_form_of_rfc_8693(clock: FakeClock) -> None:
    peer = against(clock, answer(200, b'{"access_token": "ya29.x"}'))
    head, _, body = peer.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/token HTTP/1.1\r\n")
    assert b"application/x-www-form-urlencoded" in head
    assert b"authorization" not in head.lower()
    assert {name: values[0] for name, values in parse_qs(body.decode()).items()} == {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": (
            "//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/fullsend-pool/providers/gh"
        ),
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "subject_token": TOKEN,
    }


@pytest.mark.parametrize("token", [TOKEN, "a-b._~", "x&audience=y", "x y+z", "100%", "\u00e4"])
def test_a_token_never_becomes_another_field_of_the_form(clock: FakeClock, token: str) -> None:
    with Peer(lambda _: [answer(200, b'{"access_token": "ya29.x"}')]) as peer:
        exchange(peer.url, clock, token)
    fields = parse_qs(peer.requests[0].partition(b"\r\n\r\n")[2].decode(), strict_parsing=True)
    assert fields["subject_token"] == [token]
    assert len(fields) == 6
    assert {len(values) for values in fields.values()} == {1}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, b'{"error": "invalid_grant", "error_description": "is stale to sign-in"}'),
        (400, b'{"error": "invalid_target"}'),
        (401, b'{"error": "unauthorized_client", "error_description": "rejected by the attribute condition"}'),
        (403, b'{"error": "unauthorized_client"}'),
    ],
)
def test_a_refusal_of_google_is_an_invalid_token(clock: FakeClock, status: int, body: bytes) -> None:
    with pytest.raises(InvalidToken, match="STS refused it at provider gh") as refused:
        against(clock, answer(status, body))
    assert refused.value.public == InvalidToken.sentence


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_a_service_in_trouble_is_not_a_result(clock: FakeClock, status: int) -> None:
    with pytest.raises(StsUnavailable):
        against(clock, answer(status, b'{"error": "invalid_grant"}'))


@pytest.mark.parametrize("status", [200, 429, 500, 503])
def test_only_a_3xx_or_4xx_lasts(clock: FakeClock, status: int) -> None:
    with pytest.raises(StsUnavailable) as failed:
        against(clock, answer(status, b"<html>"))
    assert not failed.value.lasting


def test_how_long_the_service_wants_to_be_left_alone_is_passed_on(clock: FakeClock) -> None:
    with pytest.raises(StsUnavailable) as failed:
        against(clock, answer(429, b"", Retry_After="77"))
    assert failed.value.retry_after == 77


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", b"[]", b"null", b'"x"', b"\xff\xff", b"[" * 90_000,
                                  b'{"access_token": ""}', b'{"access_token": null}', b"1"])  # fmt: skip
def test_an_answer_without_an_access_token_is_not_a_result(clock: FakeClock, body: bytes) -> None:
    with pytest.raises(StsUnavailable):
        against(clock, answer(200, body))


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"x"', b"<html>", b"\xff\xff", b"[" * 90_000, b"",
                                  b'{"message": "x"}'])  # fmt: skip
@pytest.mark.parametrize("status", [400, 403, 404, 301])
def test_a_refusal_that_is_not_of_googles_form_lasts(clock: FakeClock, status: int, body: bytes) -> None:
    with pytest.raises(StsRefused, match=f"STS_URL .* status {status}") as refused:
        against(clock, answer(status, body))
    assert refused.value.headers() == {"X-Should-Retry": "false"}
    assert "operator" in refused.value.public
    assert "try again" not in refused.value.public


@pytest.mark.parametrize(
    ("status", "body"),
    [
        *((status, b'{"access_token": "ya29.x"}') for status in (201, 202, 301, 400, 401, 403)),
        (200, b'{"error": "invalid_grant"}'),
    ],
)
def test_a_status_and_a_body_that_do_not_belong_together_are_not_a_result(
    clock: FakeClock, status: int, body: bytes
) -> None:
    with pytest.raises(StsUnavailable):
        against(clock, answer(status, body))


def test_a_dropped_connection_is_tried_again(clock: FakeClock) -> None:
    against(clock, None, answer(200, b'{"access_token": "x"}'))


def test_a_service_that_is_gone_is_not_a_result(clock: FakeClock) -> None:
    with pytest.raises(StsUnavailable):
        against(clock, None)


def test_the_verdict_is_never_remembered(clock: FakeClock) -> None:
    with Peer(lambda _number: [answer(200, b'{"access_token": "x"}')]) as peer:
        for _ in range(3):
            exchange(peer.url, clock)
    assert len(peer.requests) == 3


@pytest.mark.parametrize(
    "reply", [answer(400, b"{}"), answer(400, b'{"error": "x"}'), answer(503), answer(200), None]
)
def test_the_token_is_in_no_text_of_a_refusal(clock: FakeClock, reply: bytes | None) -> None:
    canary = "eyJhbGciOiJSUzI1NiJ9.canary.canary"
    with Peer(lambda _number: [reply]) as peer, pytest.raises((InvalidToken, StsUnavailable)) as failed:
        exchange(peer.url, clock, canary)
    assert "canary" not in f"{failed.value!s}{failed.value!r}{failed.value.detail}"


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
    """The chain with a token service that answers as it is told."""

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


def test_an_old_date_does_not_revive_a_token_that_has_expired(issuer: Issuer) -> None:
    clock = CorrectedClock()
    keys = IssuerKeys(issuer.url, Outbound(clock, connections=2), clock, fetch_seconds=3)
    verifier = StandaloneVerifier([trusted(issuer.url, keys)], clock)
    now = int(time.time())
    verifier.check_locally(issuer.token(Job(), iat=now, nbf=now, exp=now + 300), new_attempt(clock))
    clock.observe(formatdate(now - 700, usegmt=True), cacheable=True)
    with pytest.raises(InvalidToken):
        verifier.check_locally(issuer.token(Job(), iat=now - 900, nbf=now - 900, exp=now - 600), new_attempt(clock))
