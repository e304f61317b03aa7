"""Issuers whose keys are in a file, and keys of the wrong kind."""

from __future__ import annotations

import base64
import json
import os
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from fullsend_sandbox.keys import new_key
from fullsend_sandbox.signing import SigningKey, new_ec_key
from mintcore.errors import InvalidToken
from mintcore.policy.caller import Job
from mintcore.policy.issuers import Issuer
from mintcore.policy.kinds.table import KINDS
from mintcore.settings.environment import ConfigurationError
from mintcore.startup.issuers import read_key_files
from tests.mint_doubles import AUDIENCE, new_attempt
from tests.unit.verify.issuers_world import CLUSTER, EC_KEY, RSA_KEY, Issuers, cluster_claims, jwks, segment

if TYPE_CHECKING:
    from pathlib import Path

    from mintcore.verify.chain import StandaloneVerifier


def in_file(issuers: Issuers, directory: Path, document: Any, issuer: Issuer = CLUSTER) -> StandaloneVerifier:
    path = directory / "jwks.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    placed = Issuer(issuer.name, issuer.kind, issuer.url, issuer.audience, str(path))
    return issuers.standalone(issuers.issuers[0], placed, **read_key_files([issuers.issuers[0], placed]))


@pytest.mark.parametrize("key", [RSA_KEY, EC_KEY], ids=["RS256", "ES256"])
def test_a_cluster_that_cannot_be_reached_has_its_keys_in_a_file(
    issuers: Issuers, tmp_path: Path, key: SigningKey
) -> None:
    verifier = in_file(issuers, tmp_path, jwks(RSA_KEY, EC_KEY))
    claims = cluster_claims(issuers)
    found = verifier.check_locally(key.sign(claims), new_attempt(issuers.clock)).caller
    assert isinstance(found, Job)
    assert found.project == "builds/minter"
    for forged in (
        SigningKey(new_key() if key is RSA_KEY else new_ec_key()).sign(claims, key.kid),
        # The other algorithm under this key's id: the key decides, not the header.
        (EC_KEY if key is RSA_KEY else RSA_KEY).sign(claims, key.kid),
        key.sign(claims, "unknown"),
    ):
        with pytest.raises(InvalidToken):
            verifier.check_locally(forged, new_attempt(issuers.clock))


@pytest.mark.parametrize("signature", [b"", b"\x00" * 64, b"\x01" * 63, b"\x30\x06\x02\x01\x01\x02\x01\x01"])
def test_an_invalid_es256_signature_is_refused(issuers: Issuers, tmp_path: Path, signature: bytes) -> None:
    verifier = in_file(issuers, tmp_path, jwks(EC_KEY))
    head = f"{segment({'alg': 'ES256', 'kid': EC_KEY.kid})}.{segment(cluster_claims(issuers))}"
    signed = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
    with pytest.raises(InvalidToken):
        verifier.check_locally(f"{head}.{signed}", new_attempt(issuers.clock))


def test_two_issuers_with_one_key_id_are_kept_apart(issuers: Issuers, tmp_path: Path) -> None:
    first, second = SigningKey(new_key()), SigningKey(new_key())
    placed = []
    for name, key in (("one", first), ("two", second)):
        path = tmp_path / name
        path.write_text(json.dumps(jwks(key, kid="same")), encoding="utf-8")
        placed.append(Issuer(name, KINDS["gitlab"], f"https://{name}.test", AUDIENCE, str(path)))
    verifier = issuers.standalone(*placed, **read_key_files(placed))
    claims = issuers.ci["gitlab"].claims()
    for issuer, key in (("one", first), ("two", second)):
        own = claims | {"iss": f"https://{issuer}.test"}
        found = verifier.check_locally(key.sign(own, "same"), new_attempt(issuers.clock)).caller
        assert found.issuer == issuer
        other = second if key is first else first
        with pytest.raises(InvalidToken, match="signature"):
            verifier.check_locally(other.sign(own, "same"), new_attempt(issuers.clock))


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("", "it is not JSON"),
        ("[]", "it is not a JSON object"),
        ('{"keys": []}', "no usable key"),
        ("x" * (1024 * 1024 + 1), "larger than 1 MiB"),
        (jwks(EC_KEY, use="enc"), "no usable key"),
        (jwks(EC_KEY, alg="ES384"), "no usable key"),
        (jwks(EC_KEY, kid=""), "no usable key"),
        (jwks(EC_KEY, crv="P-384"), "no usable key"),
        (jwks(EC_KEY, x="AA"), "no usable key"),
        (jwks(RSA_KEY, alg="ES256"), "no usable key"),
        (jwks(SigningKey(rsa.generate_private_key(65537, 1024))), "no usable key"),  # noqa: S505 - that is the case
        ({"keys": [{"kty": "oct", "kid": "k", "k": "AAAA", "alg": "HS256"}]}, "no usable key"),
        ({"keys": [{"kty": ["EC"], "kid": "k"}]}, "no usable key"),
    ],
    # Keys are random, and every process must give a case the same name.
    ids=[
        "empty",
        "a list",
        "no keys",
        "too large",
        "for encryption",
        "ES384",
        "no kid",
        "P-384",
        "a short coordinate",
        "RSA for ES256",
        "1,024 bits",
        "a secret",
        "kty is a list",
    ],
)
def test_a_file_without_usable_keys_stops_the_start(
    issuers: Issuers, tmp_path: Path, document: Any, why: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        in_file(issuers, tmp_path, document)
    (problem,) = refused.value.problems
    assert problem.startswith(
        f'ISSUERS names for "cluster" the jwks_file {tmp_path}/jwks.json, which cannot be used: '
    )
    assert why in problem


def test_a_named_pipe_does_not_hold_the_start(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "jwks.json")
    issuer = Issuer("cluster", KINDS["kubernetes"], "https://cluster.test", "a", str(tmp_path / "jwks.json"))
    with pytest.raises(ConfigurationError, match="it is not a regular file"):
        read_key_files([issuer])


def test_every_file_that_cannot_be_read_is_listed(tmp_path: Path) -> None:
    missing = [Issuer(name, KINDS["gitlab"], f"https://{name}.test", "a", str(tmp_path / name)) for name in "ab"]
    with pytest.raises(ConfigurationError) as refused:
        read_key_files(missing)
    assert len(refused.value.problems) == 2
    assert all("No such file" in problem for problem in refused.value.problems)


def test_an_ec_key_is_not_used_for_an_issuer_that_signs_with_rs256(issuers: Issuers, tmp_path: Path) -> None:
    gitlab = Issuer("cluster", KINDS["gitlab"], "https://cluster.test", AUDIENCE)
    with pytest.raises(ConfigurationError, match="no usable key"):
        in_file(issuers, tmp_path, jwks(EC_KEY), gitlab)


def test_another_curve_than_p_256_is_not_used_for_es256(issuers: Issuers, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    document = {"keys": [jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": "k"}]}
    with pytest.raises(ConfigurationError, match="no usable key"):
        in_file(issuers, tmp_path, document)
