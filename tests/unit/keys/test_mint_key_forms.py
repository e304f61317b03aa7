"""Private keys as text: each form that signs, and the name of each that does not."""

from __future__ import annotations

import base64
import json
import random
from time import process_time
from typing import TYPE_CHECKING
from urllib.parse import quote

import jwt
import pytest
from cryptography.hazmat.primitives import serialization as forms
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from mintcore.errors import InvalidRoleKey
from mintcore.keys.rsa import RsaSigner, parse_signer
from mintcore.secret import redact
from tests.unit.keys.key_values import CODER, pem

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("pkcs8", [True, False])
@pytest.mark.parametrize("around", [b"%s", b"\n\n%s\n\n", b"Bag Attributes\n%s", b"%s\x00"])
def test_a_private_key_in_pem_signs(key: rsa.RSAPrivateKey, pkcs8: bool, around: bytes) -> None:
    signer = parse_signer(around % pem(key, pkcs8=pkcs8), CODER)
    algorithm = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
    assert algorithm.verify(b"message", key.public_key(), signer.sign(b"message"))


def test_line_ends_of_windows_do_not_matter(key: rsa.RSAPrivateKey) -> None:
    assert isinstance(parse_signer(pem(key).replace(b"\n", b"\r\n"), CODER), RsaSigner)


def refusal(data: bytes) -> str:
    with pytest.raises(InvalidRoleKey) as refused:
        parse_signer(data, CODER)
    assert refused.value.public == InvalidRoleKey.sentence
    return refused.value.detail


@pytest.mark.parametrize("kind", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_an_encrypted_key_is_refused_by_name(key: rsa.RSAPrivateKey, kind: PrivateFormat) -> None:
    data = key.private_bytes(Encoding.PEM, kind, forms.BestAvailableEncryption(b"passphrase"))
    assert "is encrypted" in refusal(data)


def test_a_public_key_is_refused_by_name(key: rsa.RSAPrivateKey) -> None:
    for kind in (PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1):
        assert "is a public key" in refusal(key.public_key().public_bytes(Encoding.PEM, kind))


@pytest.mark.parametrize("data", [b"", b" \n"])
def test_an_empty_key_is_refused_by_name(data: bytes) -> None:
    assert "is empty" in refusal(data)


def test_a_certificate_is_refused_by_name() -> None:
    assert "is a certificate" in refusal(b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")


@pytest.mark.parametrize("data", [b"not a key", b"\x00\xff" * 50, b"{}", b"ssh-rsa AAAA"])
def test_what_is_not_pem_is_refused_by_name(data: bytes) -> None:
    assert "is not in PEM form" in refusal(data)


def test_a_key_that_is_cut_off_is_refused_by_name(key: rsa.RSAPrivateKey) -> None:
    assert "is cut off" in refusal(pem(key)[:500])


def test_reading_a_key_costs_a_fraction_of_openssls_own_check(key: rsa.RSAPrivateKey) -> None:
    """The check holds the interpreter's lock, so every thread of the mint stands still meanwhile."""

    def cost(read: Callable[[], object]) -> float:
        def once() -> float:
            began = process_time()
            read()
            return process_time() - began

        return min(once() for _ in range(5))

    text = pem(key)
    assert cost(lambda: parse_signer(text, CODER)) < cost(lambda: forms.load_pem_private_key(text, None)) / 3


def test_a_damaged_key_is_refused(key: rsa.RSAPrivateKey) -> None:
    lines = pem(key).split(b"\n")
    del lines[5]
    assert "cannot be read" in refusal(b"\n".join(lines))


@pytest.mark.parametrize("around", [b"%s", b'"%s"', b"'%s'", b"\xef\xbb\xbf%s\n"])
@pytest.mark.parametrize("line_break", [b"\\n", b"\\r\\n"])
def test_line_breaks_written_as_two_characters_are_accepted(
    key: rsa.RSAPrivateKey, line_break: bytes, around: bytes
) -> None:
    assert isinstance(parse_signer(around % pem(key).replace(b"\n", line_break), CODER), RsaSigner)


def wrapped(text: bytes) -> bytes:
    return base64.encodebytes(text)


def test_each_wrong_form_of_a_key_is_named(key: rsa.RSAPrivateKey) -> None:
    text = pem(key)
    forms_of_it = {
        "base64 of PEM": wrapped(text),
        "base64 of PEM;": base64.b64encode(text),
        "URL-encoded": quote(text).encode(),
        "URL-encoded PEM": quote(text, safe="").encode().replace(b"-", b"%2D"),
        "JSON with a PEM": json.dumps({"private_key": text.decode()}).encode(),
        "JSON;": b'{"type": "service_account"}',
        "a fingerprint": b"SHA256:" + base64.b64encode(b"f" * 32),
        "a fingerprint, which": b":".join([b"ab"] * 20),
        "a client secret": b"0123456789abcdef0123456789abcdef01234567\n",
        "a client ID": b"Iv1.0123456789abcdef",
        "several private keys": text + text,
        "PEM of an unknown kind": b"-----BEGIN PGP MESSAGE-----\nx\n-----END PGP MESSAGE-----",
    }
    for named, form in forms_of_it.items():
        assert named in refusal(form)


def test_our_own_sentences_about_keys_survive_redaction(key: rsa.RSAPrivateKey) -> None:
    for form in (b"", b"not a key", pem(key)[:500], pem(key) * 2, b"{}", wrapped(pem(key)), b"-----BEGIN X-----"):
        detail = refusal(form)
        assert redact(detail) == detail
        assert redact(json.dumps(detail)) == json.dumps(detail)


def test_nothing_of_a_damaged_key_is_quoted(key: rsa.RSAPrivateKey) -> None:
    secret = b"".join(pem(key).split(b"\n")[1:-2])
    for form in (secret, b"-----BEGIN RSA PRIVATE KEY-----" + secret, wrapped(secret), b'{"k": "%s"}' % secret):
        assert not any(secret[i : i + 12].decode() in refusal(form) for i in range(0, len(secret), 12))


def test_no_damaged_key_that_is_accepted_signs_wrongly(key: rsa.RSAPrivateKey) -> None:
    """The library's own check is skipped; signing and verifying once must replace it."""
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    chance = random.Random(17)  # noqa: S311 - damage, not secrets
    algorithm = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
    refused = 0
    for _ in range(200):
        at = chance.randrange(len(der))
        damaged = der[:at] + bytes([der[at] ^ 1 << chance.randrange(8)]) + der[at + 1 :]
        text = b"-----BEGIN PRIVATE KEY-----\n%s-----END PRIVATE KEY-----\n" % wrapped(damaged)
        try:
            signer = parse_signer(text, CODER)
        except InvalidRoleKey:
            refused += 1
            continue
        assert algorithm.verify(b"m", signer._key.public_key(), signer.sign(b"m"))  # noqa: SLF001
    assert refused > 20


@pytest.mark.parametrize("other", [ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()])
def test_a_key_of_another_kind_is_refused_by_name(
    other: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey,
) -> None:
    assert "is not an RSA key" in refusal(pem(other))


@pytest.mark.parametrize("bits", [1024, 2047])
def test_a_short_key_is_refused_by_its_length(bits: int) -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    assert f"has {bits} bits" in refusal(pem(short))


def test_a_key_of_an_unknown_kind_is_refused_and_does_not_crash() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    unknown = base64.encodebytes(der.replace(b"\x2b\x65\x70", b"\x2b\x65\x7f"))  # 1.3.101.127 is unassigned
    assert "damaged or unknown" in refusal(b"-----BEGIN PRIVATE KEY-----\n%s-----END PRIVATE KEY-----\n" % unknown)


def test_nothing_of_a_refused_key_is_in_the_text(key: rsa.RSAPrivateKey) -> None:
    material = pem(key).split(b"\n")[3].decode()
    assert material not in refusal(pem(key)[:500])
