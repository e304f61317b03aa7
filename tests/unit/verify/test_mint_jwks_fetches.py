"""When the mint fetches an issuer's keys, and for how long the old ones serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox.issuer import Issuer
from fullsend_sandbox.job import Job
from mintcore.errors import InvalidToken, IssuerUnavailable
from mintcore.outbound.channel import Outbound
from mintcore.startup.helper_threads import HelperThreads
from mintcore.verify.jwks import IssuerKeys
from mintcore.verify.unverified import split_token
from tests.mint_doubles import FakeClock, new_attempt
from tests.unit.outbound.loopback_peer import Peer
from tests.unit.verify.published_keys import signed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa


@pytest.mark.parametrize(("seconds", "fetched"), [(3599, 1), (3600, 2)])
def test_keys_are_fetched_once_an_hour(clock: FakeClock, issuer: Issuer, seconds: float, fetched: int) -> None:
    keys = IssuerKeys(issuer.url, Outbound(clock, connections=2), clock, fetch_seconds=3)
    token = split_token(issuer.token(Job()))
    keys.check_signature(token, new_attempt(clock))
    clock.advance(seconds)
    keys.check_signature(token, new_attempt(clock))
    assert issuer.traffic.count(path_prefix="/.well-known/jwks") == fetched


def test_a_rotated_key_is_found_at_once(clock: FakeClock, issuer: Issuer) -> None:
    keys = IssuerKeys(issuer.url, Outbound(clock, connections=2), clock, fetch_seconds=3)
    keys.check_signature(split_token(issuer.token(Job())), new_attempt(clock))
    issuer.rotate_key(retire=True)
    keys.check_signature(split_token(issuer.token(Job())), new_attempt(clock))
    assert issuer.traffic.count(path_prefix="/.well-known/jwks") == 2


@pytest.mark.parametrize(("seconds", "fetched"), [(60, 3), (61, 4)])
def test_invented_key_ids_ask_the_issuer_once_in_thirty_seconds(
    clock: FakeClock, issuer: Issuer, key: rsa.RSAPrivateKey, seconds: int, fetched: int
) -> None:
    keys = IssuerKeys(issuer.url, Outbound(clock, connections=2), clock, fetch_seconds=3)
    for number in range(seconds):
        with pytest.raises(InvalidToken, match="no key of the token's key id"):
            keys.check_signature(split_token(signed(key, f"invented-{number}")), new_attempt(clock))
        clock.advance(1)
    assert issuer.traffic.count(path_prefix="/.well-known/jwks") == fetched


def test_an_issuer_that_is_down_is_not_asked_by_every_request(clock: FakeClock, key: rsa.RSAPrivateKey) -> None:
    with Peer(lambda _number: [None]) as peer:
        keys = IssuerKeys(peer.url, Outbound(clock, connections=2), clock, fetch_seconds=3)
        for _ in range(5):
            with pytest.raises(IssuerUnavailable) as unavailable:
                keys.check_signature(split_token(signed(key)), new_attempt(clock))
            # The audit event has it, of a failure that was kept too.
            assert unavailable.value.issuer == peer.url
    assert len(peer.requests) == 3


def test_the_issuers_date_is_told_to_the_clock(clock: FakeClock, issuer: Issuer) -> None:
    IssuerKeys(issuer.url, Outbound(clock, connections=2), clock, fetch_seconds=3).load(new_attempt(clock))
    assert len(clock.observed) == 2
    assert all(date.endswith("GMT") for date in clock.observed)


def test_old_keys_serve_at_once_while_a_helper_fetches_new_ones(clock: FakeClock) -> None:
    with Issuer(clock=clock.now) as issuer:
        keys = IssuerKeys(
            issuer.url, Outbound(clock, connections=2), clock,
            fetch_seconds=3, renewed_seconds=24 * 3600.0, helpers=HelperThreads(1),
        )  # fmt: skip
        keys.load(new_attempt(clock))
        issuer.rotate_key()
        clock.advance(23 * 3600)
        asked = new_attempt(clock)
        keys.load(asked)
        assert asked.upstream_calls == {}
        # A token of the new key is accepted immediately: an unknown key id waits for the present fetch, or starts
        # one.
        keys.check_signature(split_token(issuer.token(Job())), new_attempt(clock))


def test_standalone_old_keys_do_not_serve(clock: FakeClock) -> None:
    with Issuer(clock=clock.now) as issuer:
        keys = IssuerKeys(
            issuer.url, Outbound(clock, connections=2), clock, fetch_seconds=3, helpers=HelperThreads(1)
        )
        keys.load(new_attempt(clock))
        clock.advance(3600)
        asked = new_attempt(clock)
        keys.load(asked)
        assert asked.upstream_calls == {"issuer": 2}
