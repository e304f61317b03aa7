"""Cloud KMS v1: a ring, keys that hold imported App keys, and who may sign with them."""

from __future__ import annotations

import base64
import secrets
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from fullsend.operate.gcp import policies
from fullsend.operate.model.kms_names import ALGORITHMS, KmsVersion
from fullsend.operate.operate_errors import AlreadyExists, NotReady, NotThere

if TYPE_CHECKING:
    from fullsend.operate.gcp.session import Session

SIGNER = "roles/cloudkms.signer"
IMPORT_METHOD = "RSA_OAEP_3072_SHA256_AES_256"
LEVEL = "SOFTWARE"
ENABLED = "ENABLED"
_POLLS = 60
_PAUSE_SECONDS = 1.0


class Kms:
    """Keys by resource name, such as `projects/p/locations/l/keyRings/r/cryptoKeys/k`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def _rings(self) -> Any:
        return self._session.service("cloudkms", "v1").projects().locations().keyRings()

    @property
    def _keys(self) -> Any:
        return self._rings.cryptoKeys()

    @property
    def _versions(self) -> Any:
        return self._keys.cryptoKeyVersions()

    def create_ring(self, name: str) -> None:
        """Create a key ring; one that exists already will do."""
        parent, _, identifier = name.partition("/keyRings/")
        with suppress(AlreadyExists):
            request = self._rings.create(parent=parent, keyRingId=identifier, body={})
            self._session.call(request, f"create the key ring {identifier}")

    def create_key(self, name: str, bits: int) -> None:
        """Create a key for imported versions only; one that exists already will do."""
        ring, _, identifier = name.partition("/cryptoKeys/")
        body = {
            "purpose": "ASYMMETRIC_SIGN",
            "importOnly": True,
            "versionTemplate": {"algorithm": ALGORITHMS[bits], "protectionLevel": LEVEL},
        }
        with suppress(AlreadyExists):
            request = self._keys.create(
                parent=ring, cryptoKeyId=identifier, skipInitialVersionCreation=True, body=body
            )
            self._session.call(request, f"create the key {identifier}")

    def versions(self, key: str) -> list[KmsVersion] | None:
        """Return a key's versions, newest first; None when there is no such key."""
        found: list[KmsVersion] = []
        request = self._versions.list(parent=key, pageSize=100)
        while request is not None:
            try:
                answer = self._session.call(request, f"list the versions of the key {_short(key)}")
            except NotThere:
                return None
            found += [_version(one) for one in answer.get("cryptoKeyVersions", ())]
            request = self._versions.list_next(request, answer)
        return sorted(found, key=lambda version: -version.number)

    def public_key(self, version: str) -> str:
        """Return an enabled version's public key in PEM. Raises NotThere, GoogleFailed, MissingPermission."""
        request = self._versions.getPublicKey(name=version)
        return str(self._session.call(request, f"read the public key of {_short(version)}")["pem"])

    def import_job(self, ring: str) -> tuple[str, str]:
        """Return an import job's name and public key in PEM; make one unless one is active.

        Raises NotReady. A job lives for three days and cannot be deleted.
        """
        api = self._rings.importJobs()
        listed = self._session.call(api.list(parent=ring, pageSize=100), "list the import jobs")
        usable = (one for one in listed.get("importJobs", ()) if _is_usable(one))
        job: dict[str, Any] | None = next(usable, None)
        if job is None:
            body = {"importMethod": IMPORT_METHOD, "protectionLevel": LEVEL}
            request = api.create(parent=ring, importJobId=f"fullsend-{secrets.token_hex(4)}", body=body)
            job = self._session.call(request, "create an import job")
        for _ in range(_POLLS):
            if job["state"] == "ACTIVE":
                return str(job["name"]), str(job["publicKey"]["pem"])
            self._session.sleep(_PAUSE_SECONDS)
            job = self._session.call(api.get(name=job["name"]), "wait for the import job")
        raise NotReady("The import job of Cloud KMS is not ready after a minute.", "Run the command again.")

    def import_version(self, key: str, job: str, algorithm: str, wrapped: bytes) -> KmsVersion:
        """Import wrapped key material as a new version and wait until it is usable. Raises NotReady."""
        body = {
            "algorithm": algorithm,
            "importJob": job,
            "wrappedKey": base64.b64encode(wrapped).decode(),
        }
        request = self._versions.import_(parent=key, body=body)
        shown = self._session.call(request, f"import into the key {_short(key)}")
        for _ in range(_POLLS):
            if shown["state"] == ENABLED:
                return _version(shown)
            if shown["state"] == "IMPORT_FAILED":
                said = shown.get("importFailureReason", "no reason given")
                raise NotReady(f"Cloud KMS could not import the key: {said}")
            self._session.sleep(_PAUSE_SECONDS)
            shown = self._session.call(self._versions.get(name=shown["name"]), "wait for the imported version")
        raise NotReady("Cloud KMS has not imported the key after a minute.", "Run the command again.")

    def disable(self, version: str) -> None:
        """Disable a version; it can be enabled again."""
        request = self._versions.patch(name=version, updateMask="state", body={"state": "DISABLED"})
        self._session.call(request, f"disable version {_short(version)}")

    def signers(self, key: str) -> set[str]:
        """Return who may sign by a role on the key itself."""
        return policies.members(self._policy(key), SIGNER)

    def grant(self, key: str, member: str) -> None:
        """Let a member sign with a key."""
        edit = partial(policies.with_member, role=SIGNER, member=member)
        policies.change(partial(self._policy, key), partial(self._write, key), edit)

    def _policy(self, key: str) -> policies.Policy:
        request = self._keys.getIamPolicy(resource=key, options_requestedPolicyVersion=3)
        return self._session.call(request, f"show who may use the key {_short(key)}")

    def _write(self, key: str, policy: policies.Policy) -> None:
        request = self._keys.setIamPolicy(resource=key, body={"policy": policy})
        self._session.call(request, f"change who may use the key {_short(key)}", guarded=True)


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
