"""Checking the signature on the parts gives PyJWT's own verdict on the whole, for genuine and damaged tokens."""

from __future__ import annotations

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm

from mintcore.errors import InvalidToken
from mintcore.verify.jwks import take_apart


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def pyjwt_accepts(token: str, key: rsa.RSAPublicKey) -> bool:
    try:
        jwt.decode(token, key, algorithms=["RS256"], options={"verify_exp": False, "verify_aud": False})
    except (jwt.PyJWTError, UnicodeEncodeError):
        return False
    return True


def we_accept(token: str, key: rsa.RSAPublicKey) -> bool:
    try:
        parts = take_apart(token)
    except InvalidToken:
        return False
    return RSAAlgorithm(RSAAlgorithm.SHA256).verify(parts.signing_input, key, parts.signature)


@settings(max_examples=400, deadline=None)
@given(
    claims=st.dictionaries(st.sampled_from(["repository", "x"]), st.text(max_size=8), max_size=2),
    cut=st.integers(0, 2_000),
    inserted=st.text("abcXYZ019-_.=\u00e9 ", max_size=3),
    removed=st.integers(0, 3),
)
def test_a_token_damaged_anywhere_is_judged_as_pyjwt_judges_it(
    claims: dict[str, str], cut: int, inserted: str, removed: int, key: rsa.RSAPrivateKey
) -> None:
    token = jwt.encode(claims, key, algorithm="RS256", headers={"kid": "a"})
    cut %= len(token)
    damaged = token[:cut] + inserted + token[cut + removed :]
    assert we_accept(damaged, key.public_key()) == pyjwt_accepts(damaged, key.public_key())
    assert we_accept(token, key.public_key())
