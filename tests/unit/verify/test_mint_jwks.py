"""Signatures and the key sets that prove them: which keys serve, and when they are fetched."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from fullsend_sandbox.issuer import Issuer
from fullsend_sandbox.job import Job
from fullsend_sandbox.keys import new_key
from mintcore.errors import InvalidToken, IssuerUnavailable
from mintcore.outbound.channel import Outbound
from mintcore.startup.helper_threads import HelperThreads
from mintcore.verify.jwks import IssuerKeys
from mintcore.verify.unverified import MAX_TOKEN, split_token
from tests.mint_doubles import FakeClock, claims, new_attempt
from tests.unit.outbound.loopback_peer import Peer, answer
from tests.unit.verify.published_keys import Published, b64, jwk, key_set, raw_jwt, signed

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def other_key() -> rsa.RSAPrivateKey:
    return new_key()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as running:
        yield running


def test_a_token_the_issuer_signed_is_accepted(clock: FakeClock, key: rsa.RSAPrivateKey) -> None:
    Published(clock, key_set(jwk(key))).check(signed(key))


def test_a_token_somebody_else_signed_under_the_same_key_id_is_refused(
    clock: FakeClock, key: rsa.RSAPrivateKey, other_key: rsa.RSAPrivateKey
) -> None:
    with pytest.raises(InvalidToken, match="signature"):
        Published(clock, key_set(jwk(key))).check(signed(other_key))


def test_a_token_whose_claims_were_changed_is_refused(clock: FakeClock, key: rsa.RSAPrivateKey) -> None:
    header, _, signature = signed(key).split(".")
    changed = f"{header}.{b64(json.dumps(claims(repository_owner='evil')).encode())}.{signature}"
    with pytest.raises(InvalidToken, match="signature"):
        Published(clock, key_set(jwk(key))).check(changed)


@pytest.mark.parametrize("signature", [b"", b"\x00" * 256, b"x" * 10_000])
def test_a_token_without_a_real_signature_is_refused(
    clock: FakeClock, key: rsa.RSAPrivateKey, signature: bytes
) -> None:
    token = raw_jwt({"alg": "RS256", "kid": "k"}, claims(), signature)[:MAX_TOKEN]
    with pytest.raises(InvalidToken):
        Published(clock, key_set(jwk(key))).check(token)


def test_the_time_of_a_token_is_not_judged_here(clock: FakeClock, key: rsa.RSAPrivateKey) -> None:
    Published(clock, key_set(jwk(key))).check(signed(key, exp=1, nbf=2**40, aud=["x"], iss="other"))


@pytest.mark.parametrize(
    "unusable",
    [
        {"kty": "EC"}, {"use": "enc"}, {"alg": "RS512"}, {"alg": "none"}, {"alg": None}, {"n": ""},
        {"n": "AQAB"}, {"n": 5},
        {"n": None}, {"e": ""}, {"e": "AA"}, {"e": []}, {"n": "\u00e9"}, {"kid": ""}, {"kid": 5}, {"kid": None},
    ],
)  # fmt: skip
def test_a_key_that_cannot_be_used_is_left_out_and_the_others_serve(
    clock: FakeClock, key: rsa.RSAPrivateKey, unusable: dict[str, Any]
) -> None:
    Published(clock, key_set(jwk(key, "bad") | unusable, None, 1, [], "x", jwk(key))).check(signed(key))


@pytest.mark.parametrize(
    "unusable", [{"use": "enc"}, {"alg": "RS512"}, {"alg": "none"}, {"alg": None}, {"kty": "EC"}]
)
def test_a_key_that_is_for_something_else_proves_no_signature(
    clock: FakeClock, key: rsa.RSAPrivateKey, other_key: rsa.RSAPrivateKey, unusable: dict[str, Any]
) -> None:
    with pytest.raises(InvalidToken, match="no key of the token's key id"):
        Published(clock, key_set(jwk(key, "bad") | unusable, jwk(other_key))).check(signed(key, "bad"))


@pytest.mark.parametrize("status", [201, 301, 404])
def test_a_key_set_beside_another_status_than_200_is_not_an_answer(
    clock: FakeClock, key: rsa.RSAPrivateKey, status: int
) -> None:
    peer = Peer(lambda number: [answer(status, key_set(jwk(key))) if number else answer(200, discovery())])

    def discovery() -> bytes:
        return json.dumps({"issuer": peer.url, "jwks_uri": f"{peer.url}/keys"}).encode()

    with peer, pytest.raises(IssuerUnavailable, match=f"status {status}"):
        IssuerKeys(peer.url, Outbound(clock, connections=1), clock, fetch_seconds=3).load(new_attempt(clock))


def test_a_token_over_the_largest_size_is_refused_however_sound(key: rsa.RSAPrivateKey) -> None:
    room = MAX_TOKEN - len(signed(key))
    assert split_token(signed(key, x="y" * (room * 3 // 4 - 20))).key_id == "k"
    with pytest.raises(InvalidToken, match=r"the token has 1[67][0-9]{3} characters"):
        split_token(signed(key, x="y" * (room * 3 // 4 + 20)))


def test_keys_that_are_too_short_or_of_another_kind_are_ignored(clock: FakeClock, key: rsa.RSAPrivateKey) -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - that it is refused is the case
    curve = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(IssuerUnavailable, match="no usable key"):
        Published(clock, key_set(jwk(short), jwk(curve))).check(signed(key))


@pytest.mark.parametrize(
    "jwks",
    [
        b'{"keys": []}',
        b"{}",
        b'{"keys": {}}',
        b'{"keys": null}',
        b'{"keys": "x"}',
        b"[]",
        b"",
        b"<html>",
        b"[" * 90_000,
    ],
)
def test_a_key_set_without_keys_is_not_an_answer(clock: FakeClock, key: rsa.RSAPrivateKey, jwks: bytes) -> None:
    with pytest.raises(IssuerUnavailable):
        Published(clock, jwks).check(signed(key))


@pytest.mark.parametrize("jwks", [b'{"keys": []}', b"<html>"])
def test_a_broken_key_set_never_replaces_the_one_we_have(
    clock: FakeClock, key: rsa.RSAPrivateKey, jwks: bytes
) -> None:
    published = Published(clock, key_set(jwk(key)))
    token = split_token(signed(key))
    with published.peer:
        published.keys.check_signature(token, new_attempt(clock))
        published.jwks = jwks
        for seconds in (3600, 3600, 22 * 3600 - 1):
            clock.advance(seconds)
            published.keys.check_signature(token, new_attempt(clock))
        clock.advance(1)
        with pytest.raises(IssuerUnavailable):
            published.keys.check_signature(token, new_attempt(clock))


@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": "https://evil.example"}, {"issuer": None}, {"issuer": ["x"]},
        {"jwks_uri": "https://evil.example/keys"}, {"jwks_uri": "/keys"}, {"jwks_uri": None}, {"jwks_uri": ["x"]},
        {"jwks_uri": 5}, {"jwks_uri": "http://169.254.169.254/"}, {"jwks_uri": ""},
    ],
)  # fmt: skip
def test_a_discovery_document_that_points_elsewhere_is_not_followed(
    clock: FakeClock, key: rsa.RSAPrivateKey, discovery: dict[str, Any]
) -> None:
    published = Published(clock, key_set(jwk(key)), discovery)
    with pytest.raises(IssuerUnavailable):
        published.check(signed(key))
    assert len(published.peer.requests) == 1


@pytest.mark.parametrize("tail", ["@evil.example/keys", ".evil.example/keys", "1/keys"])
def test_a_key_set_at_an_origin_that_only_begins_like_the_issuers_is_not_fetched(
    clock: FakeClock, key: rsa.RSAPrivateKey, tail: str
) -> None:
    published = Published(clock, key_set(jwk(key)))
    published.discovery = {"jwks_uri": published.peer.url + tail}
    with pytest.raises(IssuerUnavailable, match="jwks_uri"):
        published.check(signed(key))


@pytest.mark.parametrize("path", ["/a b", "/a\r\nX: y", "/\ud800", "/\u00e9", "/\x00"])
def test_a_path_of_the_key_set_that_no_request_can_have_is_not_asked_for(
    clock: FakeClock, key: rsa.RSAPrivateKey, path: str
) -> None:
    published = Published(clock, key_set(jwk(key)))
    published.discovery = {"jwks_uri": published.peer.url + path}
    with pytest.raises(IssuerUnavailable):
        published.check(signed(key))
    assert len(published.peer.requests) == 1


@pytest.mark.parametrize("path", ["/%zz", "//evil.example/x"])
def test_a_strange_path_of_the_key_set_stays_on_the_issuers_origin(
    clock: FakeClock, key: rsa.RSAPrivateKey, path: str
) -> None:
    published = Published(clock, key_set(jwk(key)))
    published.discovery = {"jwks_uri": published.peer.url + path}
    published.check(signed(key))
    assert len(published.peer.requests) == 2


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
        ends = time.monotonic() + 10
        # A token of the new key is good at once: an unknown key id waits for the fetch under way, or starts one.
        keys.check_signature(split_token(issuer.token(Job())), new_attempt(clock))
        assert time.monotonic() < ends


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


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"use": "enc"}, 'its use is not "sig"'),
        ({"kid": ""}, "a key has no kid"),
        ({"alg": "RS512"}, "a key is not for RS256"),
        ({"n": "AA"}, "a key is damaged"),
    ],
)
def test_the_operator_learns_which_issuers_keys_are_unusable_and_why(
    clock: FakeClock, key: rsa.RSAPrivateKey, changes: dict[str, Any], why: str
) -> None:
    published = Published(clock, key_set(jwk(key, **changes)))
    url = published.peer.url
    with pytest.raises(IssuerUnavailable) as failure:
        published.check(signed(key))
    assert url in failure.value.detail
    assert why in failure.value.detail
    assert failure.value.public == IssuerUnavailable.sentence


def test_the_operator_learns_which_issuer_a_discovery_document_names(
    clock: FakeClock, key: rsa.RSAPrivateKey
) -> None:
    published = Published(clock, key_set(jwk(key)), {"issuer": "https://other.test"})
    with pytest.raises(IssuerUnavailable, match=r"names the issuer 'https://other\.test'\. Fix: set the url to"):
        published.check(signed(key))
