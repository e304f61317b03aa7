"""Which key sets and discovery documents of an issuer the mint accepts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from mintcore.errors import IssuerUnavailable
from mintcore.outbound.channel import Outbound
from mintcore.verify.jwks import IssuerKeys
from mintcore.verify.unverified import split_token
from tests.mint_doubles import FakeClock, new_attempt
from tests.unit.outbound.loopback_peer import Peer, answer
from tests.unit.verify.published_keys import Published, jwk, key_set, signed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa


@pytest.mark.parametrize("status", [201, 301, 404])
def test_a_key_set_beside_another_status_than_200_is_not_an_answer(
    clock: FakeClock, key: rsa.RSAPrivateKey, status: int
) -> None:
    peer = Peer(lambda number: [answer(status, key_set(jwk(key))) if number else answer(200, discovery())])

    def discovery() -> bytes:
        return json.dumps({"issuer": peer.url, "jwks_uri": f"{peer.url}/keys"}).encode()

    with peer, pytest.raises(IssuerUnavailable, match=f"status {status}"):
        IssuerKeys(peer.url, Outbound(clock, connections=1), clock, fetch_seconds=3).load(new_attempt(clock))


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
