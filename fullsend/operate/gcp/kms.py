"""Call Cloud KMS v1 for the key ring, the imported App keys, and the permissions to sign."""

from __future__ import annotations

import base64
import hashlib
import secrets
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from fullsend.github.app_jwt import unsigned_app_jwt
from fullsend.operate.gcp import policies
from fullsend.operate.model.kms_names import ALGORITHMS, ENABLED, KmsVersion
from fullsend.operate.operate_errors import AlreadyExists, NotReady, NotThere

if TYPE_CHECKING:
    from fullsend.operate.gcp.session import Session

SIGNER = "roles/cloudkms.signer"
IMPORT_METHOD = "RSA_OAEP_3072_SHA256_AES_256"
LEVEL = "SOFTWARE"
# Google usually finishes within a second; more than a minute is a failure.
_PAUSES = (0.2, 0.3, 0.5, *[1.0] * 59)


class Kms:
    """Keys by resource name, such as `projects/p/locations/l/keyRings/r/cryptoKeys/k`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._api = session.api("cloudkms", "v1")

    def create_ring(self, name: str) -> None:
        """Create a key ring, unless it exists."""
        parent, _, identifier = name.rpartition("/")
        with suppress(AlreadyExists):
            self._api.post(parent, f"create the key ring {identifier}", keyRingId=identifier)

    def keys(self, ring: str) -> list[str] | None:
        """Return the full names of a ring's keys, or None if the ring does not exist."""
        try:
            pages = list(self._api.pages(f"{ring}/cryptoKeys", f"list the keys of {_short(ring)}", pageSize=100))
        except NotThere:
            return None
        return [str(one["name"]) for page in pages for one in page.get("cryptoKeys", ())]

    def create_key(self, name: str, bits: int) -> None:
        """Create a key for imported versions only, unless it exists."""
        parent, _, identifier = name.rpartition("/")
        body = {
            "purpose": "ASYMMETRIC_SIGN",
            "importOnly": True,
            "versionTemplate": {"algorithm": ALGORITHMS[bits], "protectionLevel": LEVEL},
        }
        what = f"create the key {identifier}"
        with suppress(AlreadyExists):
            self._api.post(parent, what, body, cryptoKeyId=identifier, skipInitialVersionCreation="true")

    def versions(self, key: str) -> list[KmsVersion] | None:
        """Return a key's versions, newest first, or None if the key does not exist."""
        what = f"list the versions of the key {_short(key)}"
        try:
            pages = list(self._api.pages(f"{key}/cryptoKeyVersions", what, pageSize=100))
        except NotThere:
            return None
        found = [_version(one) for page in pages for one in page.get("cryptoKeyVersions", ())]
        return sorted(found, key=lambda version: -version.number)

    def public_key(self, version: str) -> str:
        """Return an enabled version's public key in PEM. Raises NotThere, GoogleFailed, MissingPermission."""
        return str(self._api.get(f"{version}/publicKey", f"read the public key of {_short(version)}")["pem"])

    def import_job(self, ring: str) -> tuple[str, str]:
        """Return an import job's name and public key in PEM; create a job unless one is active.

        Raises NotReady. A job lives for three days and cannot be deleted.
        """
        listed = self._api.get(f"{ring}/importJobs", "list the import jobs", pageSize=100)
        usable = (one for one in listed.get("importJobs", ()) if _is_usable(one))
        job: dict[str, Any] | None = next(usable, None)
        if job is None:
            body = {"importMethod": IMPORT_METHOD, "protectionLevel": LEVEL}
            identifier = f"fullsend-{secrets.token_hex(4)}"
            job = self._api.post(f"{ring}/importJobs", "create an import job", body, importJobId=identifier)
        for pause in _PAUSES:
            if job["state"] == "ACTIVE":
                return str(job["name"]), str(job["publicKey"]["pem"])
            self._session.sleep(pause)
            job = self._api.get(str(job["name"]), "wait for the import job")
        raise NotReady("The import job of Cloud KMS is not ready after a minute.", "Run the command again.")

    def import_version(self, key: str, job: str, algorithm: str, wrapped: bytes) -> KmsVersion:
        """Import wrapped key material as a new version and wait until it is usable. Raises NotReady."""
        body = {
            "algorithm": algorithm,
            "importJob": job,
            "wrappedKey": base64.b64encode(wrapped).decode(),
        }
        shown = self._api.post(f"{key}/cryptoKeyVersions:import", f"import into the key {_short(key)}", body)
        for pause in _PAUSES:
            if shown["state"] == ENABLED:
                return _version(shown)
            if shown["state"] == "IMPORT_FAILED":
                reason = shown.get("importFailureReason", "no reason given")
                raise NotReady(f"Cloud KMS could not import the key: {reason}")
            self._session.sleep(pause)
            shown = self._api.get(str(shown["name"]), "wait for the imported version")
        raise NotReady("Cloud KMS has not imported the key after a minute.", "Run the command again.")

    def version(self, name: str) -> KmsVersion:
        """Return a version. Raises NotThere."""
        return _version(self._api.get(name, f"read the key version {_short(name)}"))

    def app_assertion(self, version: str, app_id: str, now: float) -> str:
        """Return an App JWT that the version signs. Raises OperateError."""
        signed = unsigned_app_jwt(app_id, now)
        digest = base64.b64encode(hashlib.sha256(signed.encode()).digest()).decode()
        what, body = f"sign with the key version {_short(version)}", {"digest": {"sha256": digest}}
        answer = self._api.post(f"{version}:asymmetricSign", what, body)
        signature = base64.urlsafe_b64encode(base64.b64decode(answer["signature"])).decode().rstrip("=")
        return f"{signed}.{signature}"

    def disable(self, version: str) -> None:
        """Disable a version; it can be enabled again."""
        what = f"disable version {_short(version)}"
        self._api.patch(version, what, {"state": "DISABLED"}, updateMask="state")

    def signers(self, key: str) -> set[str]:
        """Return the members with a role on the key itself that may sign."""
        return policies.members(self._policy(key), SIGNER)

    def grant(self, key: str, member: str) -> None:
        """Let a member sign with a key."""
        edit = partial(policies.with_member, role=SIGNER, member=member)
        policies.change(partial(self._policy, key), partial(self._write, key), edit)

    def revoke(self, key: str, member: str) -> None:
        """Remove a member's permission to sign with a key."""
        edit = partial(policies.without_member, role=SIGNER, member=member)
        policies.change(partial(self._policy, key), partial(self._write, key), edit)

    def _policy(self, key: str) -> policies.Policy:
        what = f"show who may use the key {_short(key)}"
        return self._api.get(f"{key}:getIamPolicy", what, **{"options.requestedPolicyVersion": 3})

    def _write(self, key: str, policy: policies.Policy) -> None:
        what = f"change who may use the key {_short(key)}"
        self._api.post(f"{key}:setIamPolicy", what, {"policy": policy}, guarded=True)


def _is_usable(job: dict[str, Any]) -> bool:
    return bool(
        job.get("importMethod") == IMPORT_METHOD
        and job.get("protectionLevel") == LEVEL
        and job.get("state") in {"ACTIVE", "PENDING_GENERATION"}
    )


def _version(shown: dict[str, Any]) -> KmsVersion:
    return KmsVersion(str(shown["name"]), str(shown["state"]), str(shown.get("algorithm", "")))


def _short(name: str) -> str:
    return str(name).rpartition("/")[2]
