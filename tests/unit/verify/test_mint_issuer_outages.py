"""Issuers that rotate, fail, hang or have a wrong clock, each for itself."""

from __future__ import annotations

import contextlib
import json
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest

from fullsend_sandbox.ci.gitlab import GitLabJob
from fullsend_sandbox.job import Job as Workflow
from fullsend_sandbox.keys import new_key
from fullsend_sandbox.signing import SigningKey
from mintcore.errors import InvalidToken, IssuerUnavailable, MintError, ProviderMisconfigured
from mintcore.policy.caller import Job, WorkflowCaller
from mintcore.policy.claims import Proof, SignedClaims, UnprovenClaims
from mintcore.policy.issuers import Issuer
from mintcore.policy.kinds.table import KINDS
from mintcore.verify.jwks import UNKNOWN_KEY_SECONDS
from tests.mint_doubles import AUDIENCE, FakeClock, new_attempt
from tests.unit.outbound.loopback_peer import Peer, answer
from tests.unit.verify.issuers_world import JOBS, RSA_KEY, THREADS, Issuers, cluster_claims, fetches, jwks, segment

if TYPE_CHECKING:
    from collections.abc import Callable

    from mintcore.verify.chain import StandaloneVerifier


def test_an_unknown_key_id_fetches_the_keys_of_its_own_issuer_alone(issuers: Issuers) -> None:
    for kind in JOBS:
        issuers.check(issuers.ci[kind].token())
    issuers.check(issuers.github.token(Workflow()))
    issuers.clock.advance(UNKNOWN_KEY_SECONDS + 1)
    before = {kind: fetches(issuers.ci[kind]) for kind in JOBS}
    hub = fetches(issuers.github)
    stranger = SigningKey(new_key())
    for _ in range(3):
        issuers.refused(stranger.sign(issuers.ci["gitlab"].claims()))
    after = {kind: fetches(issuers.ci[kind]) for kind in JOBS}
    assert after == before | {"gitlab": before["gitlab"] + 2}
    assert fetches(issuers.github) == hub


def test_an_issuer_that_rotates_its_key_is_followed(issuers: Issuers) -> None:
    issuers.check(issuers.ci["gitlab"].token())
    issuers.clock.advance(UNKNOWN_KEY_SECONDS + 1)
    issuers.ci["gitlab"].rotate_key()
    assert isinstance(issuers.check(issuers.ci["gitlab"].token()), Job)


def test_an_issuer_that_is_down_stops_only_its_own_jobs(issuers: Issuers) -> None:
    token = issuers.ci["gitlab"].token()
    issuers.ci["gitlab"].stop()
    with pytest.raises(IssuerUnavailable):
        issuers.check(token)
    assert isinstance(issuers.check(issuers.ci["kubernetes"].token()), Job)
    assert isinstance(issuers.check(issuers.github.token(Workflow())), WorkflowCaller)


def test_the_clock_follows_github_and_no_other_issuer(issuers: Issuers) -> None:
    issuers.check(issuers.ci["gitlab"].token())
    assert (issuers.clock.observed, issuers.clock.witnessed) == ([], [])
    issuers.check(issuers.github.token(Workflow()))
    assert len(issuers.clock.observed) == 2
    assert issuers.clock.witnessed


def test_a_job_from_the_future_does_not_turn_the_clock(issuers: Issuers) -> None:
    later = int(issuers.clock.now()) + 600
    assert "in the future" in issuers.refused(issuers.ci["circleci"].token(iat=later, exp=later + 300))
    assert issuers.clock.witnessed == []


@pytest.mark.parametrize("kind", JOBS)
def test_hosted_google_has_the_last_word_at_the_issuers_provider(issuers: Issuers, kind: str) -> None:
    verifier, token = issuers.hosted(), issuers.ci[kind].token()
    checked = verifier.check_locally(token, new_attempt(issuers.clock))
    assert isinstance(checked, SignedClaims)
    genuine = verifier.confirm(token, checked, new_attempt(issuers.clock))
    assert (genuine.proof, genuine.caller.issuer) == (Proof.SIGNATURE_AND_STS, kind)
    issuers.ci.put_provider(kind, attribute_condition="false")
    with pytest.raises(ProviderMisconfigured, match=f"at provider ci-{kind}") as refused:
        verifier.confirm(token, checked, new_attempt(issuers.clock))
    # Its condition has not followed CALLERS: only the operator can change that.
    assert "the mint's operator" in refused.value.public
    unproven = UnprovenClaims(checked.caller)
    with pytest.raises(InvalidToken) as unknown:
        verifier.confirm(token, unproven, new_attempt(issuers.clock))
    assert unknown.value.public == InvalidToken.sentence


def test_hosted_without_an_issuers_keys_its_own_provider_decides(issuers: Issuers) -> None:
    verifier = issuers.hosted()
    forged = issuers.ci["gitlab"].forged_token()
    crossed = issuers.ci["kubernetes"].sign(issuers.ci["gitlab"].claims())
    issuers.ci["gitlab"].stop()
    for token in (forged, crossed):
        checked = verifier.check_locally(token, new_attempt(issuers.clock))
        assert isinstance(checked, UnprovenClaims)
        with pytest.raises(MintError):
            verifier.confirm(token, checked, new_attempt(issuers.clock))


def test_an_acceptance_is_that_of_a_project_at_its_issuer(issuers: Issuers) -> None:
    verifier = issuers.hosted(overlap=True)

    def checked(kind: str, job: Any = None) -> SignedClaims:
        found = verifier.check_locally(issuers.ci[kind].token(job), new_attempt(issuers.clock))
        assert isinstance(found, SignedClaims)
        return found

    token = issuers.ci["gitlab"].token()
    verifier.confirm(token, checked("gitlab"), new_attempt(issuers.clock))
    assert not verifier.may_overlap(checked("gitlab", GitLabJob(project_id="9")))
    assert not verifier.may_overlap(checked("kubernetes"))
    assert verifier.may_overlap(checked("gitlab"))
    assert not verifier.may_overlap(checked("gitlab"))


def test_a_cluster_whose_date_is_wrong_does_not_move_the_clock(issuers: Issuers) -> None:
    old = formatdate(issuers.clock.now() - 700, usegmt=True)

    def script(number: int) -> list[bytes]:
        head = peer.requests[number].split(b"\r\n")[0]
        document: Any = {"issuer": peer.url, "jwks_uri": f"{peer.url}/keys"}
        return [answer(200, json.dumps(document if b"well-known" in head else jwks(RSA_KEY)).encode(), Date=old)]

    peer = Peer(script)
    with peer:
        verifier = issuers.standalone(Issuer("k8s", KINDS["kubernetes"], peer.url, AUDIENCE))
        token = RSA_KEY.sign(cluster_claims(issuers) | {"iss": peer.url})
        assert verifier.check_locally(token, new_attempt(issuers.clock)).caller.issuer == "k8s"
    assert issuers.clock.observed == []


def hanging(hangs: Callable[[bytes], bool], key: SigningKey) -> Peer:
    """Return an issuer that publishes ``key``, and never answers the requests that ``hangs`` picks."""

    def script(number: int) -> list[bytes | float | None]:
        head = peer.requests[number].split(b"\r\n")[0]
        if hangs(head):
            return [60.0]
        document: Any = {"issuer": peer.url, "jwks_uri": f"{peer.url}/keys"}
        return [answer(200, json.dumps(document if b"well-known" in head else jwks(key)).encode())]

    peer = Peer(script)
    return peer


def unsigned(url: str, number: int) -> str:
    return f"{segment({'alg': 'RS256', 'kid': f'x{number}'})}.{segment({'iss': url, 'iat': 1})}.eHg"


def flood(verifier: StandaloneVerifier, tokens: list[str], genuine: str, clock: FakeClock) -> Job | WorkflowCaller:
    """Send ``tokens`` and then ``genuine`` to a mint with THREADS threads, and return its caller within 5 s."""

    def check(token: str) -> None:
        with contextlib.suppress(MintError):
            verifier.check_locally(token, new_attempt(clock))

    threads = ThreadPoolExecutor(THREADS)
    try:
        for token in tokens:
            threads.submit(check, token)
        return threads.submit(verifier.check_locally, genuine, new_attempt(clock)).result(5).caller
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


def test_strangers_who_name_an_issuer_that_hangs_do_not_stop_githubs_jobs(issuers: Issuers) -> None:
    issuers.fetch_seconds = 20.0
    with hanging(lambda _head: True, RSA_KEY) as peer:
        slow = Issuer("slow", KINDS["gitlab"], peer.url, AUDIENCE)
        verifier = issuers.standalone(issuers.issuers[0], slow)
        strangers = [unsigned(peer.url, number) for number in range(100)]
        genuine = issuers.github.token(Workflow())
        assert isinstance(flood(verifier, strangers, genuine, issuers.clock), WorkflowCaller)


def test_strangers_with_invented_key_ids_do_not_stop_githubs_jobs_while_github_hangs(issuers: Issuers) -> None:
    loaded: list[bool] = []
    issuers.fetch_seconds = 20.0
    with hanging(lambda _head: bool(loaded), RSA_KEY) as peer:
        verifier = issuers.standalone(Issuer("", KINDS["github"], peer.url, AUDIENCE))
        named = issuers.github.claims(Workflow()) | {"iss": peer.url}
        genuine = RSA_KEY.sign(named)
        assert isinstance(verifier.check_locally(genuine, new_attempt(issuers.clock)).caller, WorkflowCaller)
        loaded.append(True)
        stranger = SigningKey(new_key())
        strangers = [stranger.sign(named, f"x{number}") for number in range(100)]
        assert isinstance(flood(verifier, strangers, genuine, issuers.clock), WorkflowCaller)


def test_jobs_that_start_while_the_keys_are_fetched_wait_for_them(issuers: Issuers) -> None:
    genuine = issuers.github.token(Workflow())
    strangers = [genuine] * (THREADS // 2 - 1)
    verifier = issuers.standalone(issuers.issuers[0])
    assert isinstance(flood(verifier, strangers, genuine, issuers.clock), WorkflowCaller)
