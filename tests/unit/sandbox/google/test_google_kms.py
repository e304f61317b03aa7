"""Cloud KMS as Google's own client library sees it, and as the mint may use it."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding
from google.api_core.exceptions import BadRequest, Conflict, Forbidden, NotFound
from google.cloud import kms_v1
from google.iam.v1 import iam_policy_pb2, policy_pb2  # type: ignore[import-untyped]
from google.oauth2.credentials import Credentials
from google.protobuf.field_mask_pb2 import FieldMask  # type: ignore[import-untyped]

from fullsend_sandbox.crc32c import crc32c
from fullsend_sandbox.google.enums import EXCEPTIONS
from tests.unit.sandbox.google.google_operator import ACCOUNT, REGION, Operator

if TYPE_CHECKING:
    from fullsend_sandbox.google.control_plane import ControlPlane
    from fullsend_sandbox.world import World

RING = f"{REGION}/keyRings/fullsend-mint"
KEY = f"{RING}/cryptoKeys/triage"
JOB = f"{RING}/importJobs/first"
ALGORITHM = kms_v1.CryptoKeyVersion.CryptoKeyVersionAlgorithm
STATE = kms_v1.CryptoKeyVersion.CryptoKeyVersionState
DIGEST = hashlib.sha256(b"message").digest()


@pytest.fixture
def kms(control_plane: ControlPlane) -> kms_v1.KeyManagementServiceClient:
    client = kms_v1.KeyManagementServiceClient(
        transport="rest",
        credentials=Credentials(control_plane.access_token()),
        client_options={"api_endpoint": control_plane.endpoint("cloudkms").rstrip("/")},
    )
    client.create_key_ring(parent=REGION, key_ring_id="fullsend-mint", key_ring=kms_v1.KeyRing())
    key = kms_v1.CryptoKey(
        purpose=kms_v1.CryptoKey.CryptoKeyPurpose.ASYMMETRIC_SIGN,
        version_template={"algorithm": ALGORITHM.RSA_SIGN_PKCS1_2048_SHA256},
        import_only=True,
    )
    client.create_crypto_key(
        {"parent": RING, "crypto_key_id": "triage", "crypto_key": key, "skip_initial_version_creation": True}
    )
    return client


def wrapped(kms: kms_v1.KeyManagementServiceClient, pem: bytes) -> bytes:
    job = kms_v1.ImportJob(
        import_method=kms_v1.ImportJob.ImportMethod.RSA_OAEP_3072_SHA256_AES_256,
        protection_level=kms_v1.ProtectionLevel.SOFTWARE,
    )
    made = kms.create_import_job(parent=RING, import_job_id="first", import_job=job)
    assert made.state == kms_v1.ImportJob.ImportJobState.PENDING_GENERATION
    ready = kms.get_import_job(name=JOB)
    assert ready.state == kms_v1.ImportJob.ImportJobState.ACTIVE
    public = serialization.load_pem_public_key(ready.public_key.pem.encode())
    assert isinstance(public, rsa.RSAPublicKey)
    key = serialization.load_pem_private_key(pem, None)
    der = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    aes = os.urandom(32)
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    return public.encrypt(aes, oaep) + aes_key_wrap_with_padding(aes, der)


def imported(kms: kms_v1.KeyManagementServiceClient, content: bytes) -> kms_v1.CryptoKeyVersion:
    request = {
        "parent": KEY,
        "algorithm": ALGORITHM.RSA_SIGN_PKCS1_2048_SHA256,
        "import_job": JOB,
        "wrapped_key": content,
    }
    begun = kms.import_crypto_key_version(request)
    return kms.get_crypto_key_version(name=begun.name)


@pytest.fixture
def version(world: World, kms: kms_v1.KeyManagementServiceClient) -> kms_v1.CryptoKeyVersion:
    return imported(kms, wrapped(kms, world.apps["triage"].private_key_pem))


def test_an_imported_key_signs_as_the_app(
    world: World, kms: kms_v1.KeyManagementServiceClient, version: kms_v1.CryptoKeyVersion
) -> None:
    assert version.state == STATE.ENABLED
    signed = kms.asymmetric_sign(
        {"name": version.name, "digest": {"sha256": DIGEST}, "digest_crc32c": crc32c(DIGEST)}
    )
    assert (signed.name, signed.verified_digest_crc32c) == (version.name, True)
    assert signed.signature_crc32c == crc32c(signed.signature)
    shown = kms.get_public_key(name=version.name)
    assert shown.pem_crc32c == crc32c(shown.pem.encode())
    app = serialization.load_pem_private_key(world.apps["triage"].private_key_pem, None)
    assert isinstance(app, rsa.RSAPrivateKey)
    app.public_key().verify(signed.signature, b"message", padding.PKCS1v15(), hashes.SHA256())
    assert serialization.load_pem_public_key(shown.pem.encode()) == app.public_key()


def test_what_is_not_wrapped_for_the_job_fails_to_import(
    world: World, kms: kms_v1.KeyManagementServiceClient
) -> None:
    content = wrapped(kms, world.apps["triage"].private_key_pem)
    failed = imported(kms, content[:-8] + bytes(8))
    assert failed.state == STATE.IMPORT_FAILED
    assert "could not be unwrapped" in failed.import_failure_reason
    with pytest.raises(BadRequest, match="IMPORT_FAILED"):
        kms.asymmetric_sign({"name": failed.name, "digest": {"sha256": DIGEST}})
    with pytest.raises(BadRequest, match="too short"):
        imported(kms, b"x")


def test_a_key_of_another_size_fails_to_import(kms: kms_v1.KeyManagementServiceClient) -> None:
    large = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    pem = large.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    assert "size" in imported(kms, wrapped(kms, pem)).import_failure_reason


def test_versions_are_disabled_destroyed_and_restored(
    kms: kms_v1.KeyManagementServiceClient, version: kms_v1.CryptoKeyVersion
) -> None:
    mask = FieldMask(paths=["state"])
    version = kms_v1.CryptoKeyVersion(name=version.name, state=STATE.DISABLED)
    assert kms.update_crypto_key_version(crypto_key_version=version, update_mask=mask).state == STATE.DISABLED
    with pytest.raises(BadRequest, match="current state is: DISABLED"):
        kms.asymmetric_sign({"name": version.name, "digest": {"sha256": DIGEST}})
    gone = kms.destroy_crypto_key_version(name=version.name)
    assert (gone.state, gone.destroy_time.timestamp() > 0) == (STATE.DESTROY_SCHEDULED, True)
    with pytest.raises(BadRequest, match="DESTROY_SCHEDULED"):
        kms.update_crypto_key_version(crypto_key_version=version, update_mask=mask)
    assert kms.restore_crypto_key_version(name=version.name).state == STATE.DISABLED
    assert [one.name for one in kms.list_crypto_key_versions(parent=KEY)] == [version.name]


def test_wrong_digests_names_and_duplicates_are_refused(
    kms: kms_v1.KeyManagementServiceClient, version: kms_v1.CryptoKeyVersion
) -> None:
    with pytest.raises(BadRequest, match="checksum in field digest_crc32c"):
        kms.asymmetric_sign({"name": version.name, "digest": {"sha256": DIGEST}, "digest_crc32c": 1})
    with pytest.raises(BadRequest, match="sha256"):
        kms.asymmetric_sign({"name": version.name, "digest": {"sha512": bytes(64)}})
    with pytest.raises(NotFound):
        kms.asymmetric_sign({"name": f"{KEY}/cryptoKeyVersions/9", "digest": {"sha256": DIGEST}})
    with pytest.raises(Conflict):
        kms.create_key_ring(parent=REGION, key_ring_id="fullsend-mint", key_ring=kms_v1.KeyRing())
    assert [one.name for one in kms.list_key_rings(parent=REGION)] == [RING]
    assert [one.name for one in kms.list_crypto_keys(parent=RING)] == [KEY]
    assert [one.name for one in kms.list_import_jobs(parent=RING)] == [JOB]


def test_a_permission_can_be_denied(
    control_plane: ControlPlane, kms: kms_v1.KeyManagementServiceClient, version: kms_v1.CryptoKeyVersion
) -> None:
    control_plane.deny("cloudkms.cryptoKeyVersions.useToSign")
    with pytest.raises(Forbidden) as refused:
        kms.asymmetric_sign({"name": version.name, "digest": {"sha256": DIGEST}})
    assert refused.value.metadata["permission"] == "cloudkms.cryptoKeyVersions.useToSign"


def test_the_mint_may_sign_once_the_keys_policy_lets_it(
    world: World,
    operator: Operator,
    kms: kms_v1.KeyManagementServiceClient,
    version: kms_v1.CryptoKeyVersion,
) -> None:
    url = f"{world.kms.url}/v1/{version.name}:asymmetricSign"
    body = {"digest": {"sha256": "m" * 43 + "="}}
    assert urllib3.request("POST", url, json=body).status == 403
    operator.make_account()
    binding = policy_pb2.Binding(role="roles/cloudkms.signer", members=[f"serviceAccount:{ACCOUNT}"])
    policy = policy_pb2.Policy(bindings=[binding])
    kms.set_iam_policy(iam_policy_pb2.SetIamPolicyRequest(resource=KEY, policy=policy))
    assert urllib3.request("POST", url, json=body).status == 200
    by_number = url.replace("projects/octo-project", "projects/123456789012")
    assert urllib3.request("POST", by_number, json=body).json()["name"] == version.name


@pytest.mark.parametrize(
    "enum",
    [
        kms_v1.CryptoKey.CryptoKeyPurpose,
        kms_v1.CryptoKeyVersion.CryptoKeyVersionState,
        kms_v1.CryptoKeyVersion.CryptoKeyVersionAlgorithm,
    ],
)
def test_the_numbers_of_uneven_enums_are_googles(enum: Any) -> None:
    listed = EXCEPTIONS[next(iter(enum)).name]
    assert listed == {name: int(enum[name]) for name in listed}
