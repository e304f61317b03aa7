"""Emulate Cloud KMS v1 for operators: key rings, keys, their versions and policies.

A key's policy decides whether the mint may sign: `roles/cloudkms.signer` for a service account that exists.
`kms_import.py` imports keys.
"""

import re
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from fullsend_sandbox.crc32c import crc32c
from fullsend_sandbox.google.accounts import ServiceAccounts
from fullsend_sandbox.google.calls import Call, Endpoint, Endpoints
from fullsend_sandbox.google.errors import already_exists, failed_precondition, invalid, not_found
from fullsend_sandbox.google.pages import page
from fullsend_sandbox.google.policies import SERVICE_ACCOUNT, Policies
from fullsend_sandbox.google.project import Project
from fullsend_sandbox.kms import KeyManagement
from fullsend_sandbox.kms_keys import ALGORITHMS, KeyVersion

RESOURCE_ID = re.compile(r"[a-zA-Z0-9_-]{1,63}")
SIGNERS = ("roles/cloudkms.signer", "roles/cloudkms.signerVerifier")
LEVELS = frozenset({"SOFTWARE", "HSM"})
KEPT_SECONDS = 30 * 24 * 3600
DURATION = re.compile(r"(\d+)(?:\.\d+)?s")


class KeyRings:
    """Rings and keys; the sandbox's `KeyManagement` holds the versions."""

    def __init__(
        self, project: Project, store: KeyManagement, policies: Policies, accounts: ServiceAccounts
    ) -> None:
        self._project = project
        self._store = store
        self._policies = policies
        self._accounts = accounts
        self._rings: dict[str, dict[str, Any]] = {}
        self._keys: dict[str, dict[str, Any]] = {}

    def endpoints(self) -> Endpoints:
        """Return the handlers of the API methods."""
        ring, may = "projects.locations.keyRings.", "cloudkms."
        key, version = f"{ring}cryptoKeys.", f"{ring}cryptoKeys.cryptoKeyVersions."
        return {
            f"{ring}create": Endpoint(self._create_ring, f"{may}keyRings.create"),
            f"{ring}get": Endpoint(lambda call: self._rings[self.ring(call)], f"{may}keyRings.get"),
            f"{ring}list": Endpoint(self._list_rings, f"{may}keyRings.list"),
            f"{key}create": Endpoint(self._create_key, f"{may}cryptoKeys.create"),
            f"{key}get": Endpoint(lambda call: self._keys[self.key(call)], f"{may}cryptoKeys.get"),
            f"{key}list": Endpoint(self._list_keys, f"{may}cryptoKeys.list"),
            f"{key}getIamPolicy": Endpoint(self._policy, f"{may}cryptoKeys.getIamPolicy"),
            f"{key}setIamPolicy": Endpoint(self._set_policy, f"{may}cryptoKeys.setIamPolicy"),
            f"{version}create": Endpoint(self._create_version, f"{may}cryptoKeyVersions.create"),
            f"{version}get": Endpoint(lambda call: show(self.version(call)), f"{may}cryptoKeyVersions.get"),
            f"{version}list": Endpoint(self._list_versions, f"{may}cryptoKeyVersions.list"),
            f"{version}patch": Endpoint(self._patch_version, f"{may}cryptoKeyVersions.update"),
            f"{version}destroy": Endpoint(self._destroy, f"{may}cryptoKeyVersions.destroy"),
            f"{version}restore": Endpoint(self._restore, f"{may}cryptoKeyVersions.restore"),
            f"{version}getPublicKey": Endpoint(self._public_key, f"{may}cryptoKeyVersions.viewPublicKey"),
            f"{version}asymmetricSign": Endpoint(
                lambda call: self.version(call).sign(call.body), f"{may}cryptoKeyVersions.useToSign"
            ),
        }

    def policy_changed(self, key: str) -> None:
        """Let the mint sign with the key, or not, as its policy says."""
        members = {member for role in SIGNERS for member in self._policies.members(key, role)}
        accounts = [m.removeprefix(SERVICE_ACCOUNT) for m in members if m.startswith(SERVICE_ACCOUNT)]
        if any(self._accounts.exists(email) for email in accounts):
            self._store.allow(key)
        else:
            self._store.deny(key)

    def ring(self, call: Call) -> str:
        """Return the ring that the call names. Raises RefusedError."""
        name = "/".join(self._project.by_id(call.name).split("/")[:6])
        if name not in self._rings:
            raise not_found(f"KeyRing {name} not found.")
        return name

    def key(self, call: Call) -> str:
        """Return the key that the call names. Raises RefusedError."""
        name = "/".join(self._project.by_id(call.name).split("/")[:8])
        if name not in self._keys:
            raise not_found(f"CryptoKey {name} not found.")
        return name

    def version(self, call: Call) -> KeyVersion:
        """Return the version that the call names. Raises RefusedError."""
        name = "/".join(self._project.by_id(call.name).split("/")[:10])
        if name not in self._store.versions:
            raise not_found(f"CryptoKeyVersion {name} not found.")
        return self._store.versions[name]

    def template(self, key: str) -> dict[str, Any]:
        """Return the version template of a key."""
        template: dict[str, Any] = self._keys[key]["versionTemplate"]
        return template

    def add_version(self, key: str, state: str, private: rsa.RSAPrivateKey | None, **fields: Any) -> KeyVersion:
        """Add a version to a key."""
        number = 1 + sum(name.startswith(f"{key}/") for name in self._store.versions)
        name = f"{key}/cryptoKeyVersions/{number}"
        shown = {"createTime": self._project.now(), "protectionLevel": self.template(key)["protectionLevel"]}
        version = KeyVersion(name, self.template(key)["algorithm"], state, private, shown | fields)
        self._store.versions[name] = version
        return version

    def _create_ring(self, call: Call) -> dict[str, Any]:
        name = f"{self._project.by_id(call.name)}/{_id(call, 'keyRingId')}"
        if name in self._rings:
            raise already_exists(f"KeyRing {name} already exists.")
        self._rings[name] = {"name": name, "createTime": self._project.now()}
        return self._rings[name]

    def _list_rings(self, call: Call) -> dict[str, Any]:
        return _page(call, "keyRings", self._project.by_id(call.name), self._rings)

    def _create_key(self, call: Call) -> dict[str, Any]:
        name = f"{self.ring(call)}/cryptoKeys/{_id(call, 'cryptoKeyId')}"
        if name in self._keys:
            raise already_exists(f"CryptoKey {name} already exists.")
        template = {"protectionLevel": "SOFTWARE", **call.body.get("versionTemplate", {})}
        _check_key(call.body, template)
        without_version = call.query.get("skipInitialVersionCreation") == "true"
        if call.body.get("importOnly") and not without_version:
            raise invalid("skip_initial_version_creation must be true for an import-only key.")
        self._keys[name] = {
            "destroyScheduledDuration": f"{KEPT_SECONDS}s",
            **call.body,
            "name": name,
            "createTime": self._project.now(),
            "versionTemplate": template,
        }
        self.policy_changed(name)
        if not without_version:
            self._generate(name)
        return self._keys[name]

    def _list_keys(self, call: Call) -> dict[str, Any]:
        return _page(call, "cryptoKeys", f"{self.ring(call)}/cryptoKeys", self._keys)

    def _create_version(self, call: Call) -> dict[str, Any]:
        key = self.key(call)
        if self._keys[key].get("importOnly"):
            raise failed_precondition(f"CryptoKey {key} is import only.")
        return show(self._generate(key))

    def _generate(self, key: str) -> KeyVersion:
        bits = ALGORITHMS[self.template(key)["algorithm"]].bits
        private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        return self.add_version(key, "ENABLED", private, generateTime=self._project.now())

    def _list_versions(self, call: Call) -> dict[str, Any]:
        shown = {name: show(version) for name, version in self._store.versions.items()}
        return _page(call, "cryptoKeyVersions", f"{self.key(call)}/cryptoKeyVersions", shown)

    def _patch_version(self, call: Call) -> dict[str, Any]:
        version = self.version(call)
        wanted = call.body.get("state")
        if call.query.get("updateMask") != "state" or wanted not in {"ENABLED", "DISABLED"}:
            raise invalid("Only the state of a version can be updated, to ENABLED or DISABLED.")
        if version.state not in {"ENABLED", "DISABLED"}:
            raise failed_precondition(f"{version.name} is in state {version.state}.")
        version.state = wanted
        return show(version)

    def _destroy(self, call: Call) -> dict[str, Any]:
        version = self.version(call)
        if version.state not in {"ENABLED", "DISABLED"}:
            raise failed_precondition(f"{version.name} is in state {version.state}.")
        kept = DURATION.fullmatch(self._keys[self._key_of(version)]["destroyScheduledDuration"])
        seconds = int(kept[1]) if kept else KEPT_SECONDS
        version.state = "DESTROY_SCHEDULED"
        version.fields["destroyTime"] = self._project.timestamp(self._project.clock() + seconds)
        return show(version)

    def _restore(self, call: Call) -> dict[str, Any]:
        version = self.version(call)
        if version.state != "DESTROY_SCHEDULED":
            raise failed_precondition(f"{version.name} is in state {version.state}.")
        version.state = "DISABLED"
        version.fields.pop("destroyTime", None)
        return show(version)

    def _public_key(self, call: Call) -> dict[str, Any]:
        version = self.version(call)
        pem = version.public_pem()
        return {
            "pem": pem,
            "pemCrc32c": str(crc32c(pem.encode())),
            "algorithm": version.algorithm,
            "name": version.name,
            "protectionLevel": version.fields.get("protectionLevel", "SOFTWARE"),
        }

    def _policy(self, call: Call) -> dict[str, Any]:
        return self._policies.get(self.key(call))

    def _set_policy(self, call: Call) -> dict[str, Any]:
        return self._policies.replace(self.key(call), call)

    def _key_of(self, version: KeyVersion) -> str:
        return "/".join(version.name.split("/")[:8])


def show(version: KeyVersion) -> dict[str, Any]:
    """Return a version as the API shows it."""
    return {"name": version.name, "state": version.state, "algorithm": version.algorithm, **version.fields}


def _id(call: Call, parameter: str) -> str:
    given = call.query.get(parameter, "")
    if not RESOURCE_ID.fullmatch(given):
        raise invalid(f"{parameter} must have 1 to 63 letters, digits, underscores and dashes.")
    return given


def _page(call: Call, field: str, parent: str, known: dict[str, dict[str, Any]]) -> dict[str, Any]:
    chosen = [one for name, one in sorted(known.items()) if name.startswith(f"{parent}/")]
    return page(call, field, chosen) | {"totalSize": len(chosen)}


def _check_key(key: Mapping[str, Any], template: Mapping[str, Any]) -> None:
    if key.get("purpose") != "ASYMMETRIC_SIGN":
        raise invalid("purpose: the sandbox has only keys for ASYMMETRIC_SIGN.")
    if template.get("algorithm") not in ALGORITHMS:
        raise invalid(f"version_template.algorithm: must be one of {', '.join(sorted(ALGORITHMS))}.")
    if template["protectionLevel"] not in LEVELS:
        raise invalid("version_template.protection_level: must be SOFTWARE or HSM.")
