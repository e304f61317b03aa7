"""The mint relies on this behavior of PyJWT, cryptography and Python; a version that differs fails here."""

from __future__ import annotations

import base64
import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)


def b64(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_pyjwt_takes_no_algorithm_but_those_it_is_given(key: rsa.RSAPrivateKey) -> None:
    unsigned = f"{b64({'alg': 'none'})}.{b64({})}."
    with pytest.raises(jwt.InvalidAlgorithmError):
        jwt.decode(unsigned, key.public_key(), algorithms=["RS256"])


def test_pyjwt_takes_no_public_key_for_a_shared_secret(key: rsa.RSAPrivateKey) -> None:
    text = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(jwt.InvalidKeyError):
        jwt.encode({}, text, algorithm="HS256")


def test_pyjwt_refuses_critical_headers_it_does_not_know(key: rsa.RSAPrivateKey) -> None:
    token = jwt.encode({}, key, algorithm="RS256", headers={"crit": ["x"], "x": 1})
    with pytest.raises(jwt.InvalidTokenError):
        jwt.decode(token, key.public_key(), algorithms=["RS256"])


def test_pyjwt_wraps_nesting_too_deep_for_python() -> None:
    deep = base64.urlsafe_b64encode(b"[" * 5000).decode()
    with pytest.raises(jwt.DecodeError):
        jwt.get_unverified_header(f"{deep}.{b64({})}.x")


def test_pyjwt_refuses_a_payload_other_than_an_object() -> None:
    with pytest.raises(jwt.DecodeError):
        jwt.decode(f"{b64({'alg': 'RS256'})}.{b64([])}.eA", options={"verify_signature": False})


def test_pyjwt_judges_no_time_when_told_to_check_no_signature() -> None:
    token = f"{b64({'alg': 'RS256'})}.{b64({'exp': 1, 'iat': 'x'})}.eA"
    assert jwt.decode(token, options={"verify_signature": False})["exp"] == 1


def test_pyjwt_makes_no_private_key_look_public(key: rsa.RSAPrivateKey) -> None:
    private = jwt.algorithms.RSAAlgorithm.to_jwk(key, as_dict=True)
    assert not isinstance(jwt.PyJWK.from_dict(private, algorithm="RS256").key, rsa.RSAPublicKey)


@pytest.mark.parametrize("kind", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_cryptography_says_type_error_to_an_encrypted_key(key: rsa.RSAPrivateKey, kind: PrivateFormat) -> None:
    with pytest.raises(TypeError):
        load_pem_private_key(key.private_bytes(Encoding.PEM, kind, BestAvailableEncryption(b"x")), None)


@pytest.mark.parametrize("data", [b"", b"x", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_cryptography_raises_value_error_for_other_text_than_a_key(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        load_pem_private_key(data, None)


def test_the_standard_library_reads_infinity_in_json() -> None:
    assert json.loads("[1e999]") == [float("inf")]
