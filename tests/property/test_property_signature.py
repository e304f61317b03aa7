"""Our parser and PyJWT read genuine and damaged tokens alike: the same parts, the same result."""

from __future__ import annotations

import base64
import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm

from mintcore.errors import InvalidToken
from mintcore.verify.unverified import split_token


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
        parts = split_token(token)
    except InvalidToken:
        return False
    return RSAAlgorithm(RSAAlgorithm.SHA256).verify(parts.signing_input, key, parts.signature)


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
    # PyJWT takes the padding that some issuers leave, RFC 7515 §2 has none.
    accepted = pyjwt_accepts(damaged, key.public_key()) and "=" not in damaged
    assert we_accept(damaged, key.public_key()) == accepted
    assert we_accept(token, key.public_key())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
HEADERS = st.fixed_dictionaries(
    {"alg": st.just("RS256")}, optional={"kid": st.just("a") | JSON, "typ": JSON, "crit": JSON, "b64": JSON}
)


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@given(HEADERS, JSON, st.from_regex(r"[A-Za-z0-9_-]{0,8}", fullmatch=True))
def test_what_we_take_apart_pyjwt_takes_apart_the_same_way(
    header: dict[str, object], claims: object, signature: str
) -> None:
    token = f"{segment(header)}.{segment(claims)}.{signature}"
    try:
        parts = split_token(token)
    except InvalidToken:
        return
    theirs = jwt.decode_complete(token, options={"verify_signature": False})
    assert parts.unverified_claims == theirs["payload"] == claims
    assert (parts.key_id, parts.signature) == (theirs["header"]["kid"], theirs["signature"])
    assert "crit" not in header
