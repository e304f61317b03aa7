"""Loading an App's key skips OpenSSL's own check, so what replaces it must reject what that check rejects."""

from __future__ import annotations

import base64
import random

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from fullsend.github.app_jwt import app_jwt
from fullsend.github.app_key import load_app_key
from fullsend_sandbox.keys import pem


def pkcs8(der: bytes) -> bytes:
    return b"-----BEGIN PRIVATE KEY-----\n%s-----END PRIVATE KEY-----\n" % base64.encodebytes(der)


def test_a_key_as_github_offers_it_is_loaded(key: rsa.RSAPrivateKey) -> None:
    assert load_app_key(pem(key)).private_numbers() == key.private_numbers()


def test_no_damaged_key_that_is_accepted_signs_wrongly(key: rsa.RSAPrivateKey) -> None:
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    chance = random.Random(17)  # noqa: S311 - damage, not secrets
    algorithm = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
    refused = 0
    for _ in range(100):
        at = chance.randrange(len(der))
        damaged = der[:at] + bytes([der[at] ^ 1 << chance.randrange(8)]) + der[at + 1 :]
        try:
            loaded = load_app_key(pkcs8(damaged))
        except (ValueError, TypeError):
            refused += 1
            continue
        assert algorithm.verify(b"m", loaded.public_key(), algorithm.sign(b"m", loaded))
    assert refused > 10


def test_a_wrong_private_exponent_is_rejected(key: rsa.RSAPrivateKey) -> None:
    right = key.private_numbers()
    mixed = rsa.RSAPrivateNumbers(
        right.p, right.q, right.d + 2, right.dmp1 + 2, right.dmq1, right.iqmp, right.public_numbers
    ).private_key(unsafe_skip_rsa_key_validation=True)
    with pytest.raises(ValueError, match="damaged"):
        load_app_key(pem(mixed))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b"", ValueError),
        (b"-----BEGIN RSA PRIVATE KEY-----\nQUJD\n-----END RSA PRIVATE KEY-----\n", ValueError),
        (pkcs8(b"ABC"), ValueError),
        (
            ec.generate_private_key(ec.SECP256R1()).private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            ),
            TypeError,
        ),
    ],
    ids=["empty", "no key", "no PKCS#8", "elliptic curve"],
)
def test_anything_else_is_rejected_and_never_quoted(text: bytes, error: type[Exception]) -> None:
    with pytest.raises(error) as failure:
        load_app_key(text)
    assert not {"QUJD", "BEGIN"} & set(str(failure.value).split())
    assert failure.value.__cause__ is None


def test_an_encrypted_key_is_rejected(key: rsa.RSAPrivateKey) -> None:
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
    with pytest.raises(ValueError, match="without a password"):
        load_app_key(text)


def test_an_app_jwt_is_signed_with_a_key_in_pem(key: rsa.RSAPrivateKey) -> None:
    token = app_jwt("7", pem(key).decode(), 1000.0)
    claims = jwt.decode(token, key.public_key(), algorithms=["RS256"], options={"verify_exp": False})
    assert claims == {"iss": "7", "iat": 940, "exp": 1540}
