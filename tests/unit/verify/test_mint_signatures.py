"""Which signatures an issuer's key set proves."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from fullsend_sandbox.keys import new_key
from mintcore.errors import InvalidToken, IssuerUnavailable
from mintcore.verify.unverified import MAX_TOKEN, split_token
from tests.mint_doubles import FakeClock, claims
from tests.unit.verify.published_keys import Published, b64, jwk, key_set, raw_jwt, signed


@pytest.fixture(scope="module")
def other_key() -> rsa.RSAPrivateKey:
    return new_key()


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
