"""Define the steps on the Cloud KMS keys of the Apps. A key is a `Secret`, so titles and errors never show it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fullsend.operate.gcp.kms import IMPORT_METHOD, SIGNER
from fullsend.operate.model.kms_names import ALGORITHMS, ENABLED, KEY_RING, key_id, key_name, ring_name
from fullsend.operate.operate_errors import NotReady
from fullsend.operate.plan.key_wrapping import has_public_key, wrap
from fullsend.operate.plan.steps.shell import RETRY, gcloud

if TYPE_CHECKING:
    from fullsend.operate.gcp.cloud import Cloud
    from fullsend.operate.model.names import MintLocation
    from mintcore.policy.names import Role
    from mintcore.secret import Secret


@dataclass(frozen=True, slots=True)
class CreateKeyRing:
    """Create the key ring, which cannot be deleted again and costs nothing."""

    def title(self) -> str:
        """Return the step's title."""
        return f"create the Cloud KMS key ring {KEY_RING}"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands."""
        where = ("--location", location.region, "--project", location.project)
        return [gcloud("kms", "keyrings", "create", KEY_RING, *where)]

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        cloud.kms.create_ring(ring_name(cloud.location))


@dataclass(frozen=True, slots=True)
class CreateKey:
    """Create a role's key, for imported versions only."""

    role: Role
    bits: int

    def title(self) -> str:
        """Return the step's title."""
        return f"create the Cloud KMS key {key_id(self.role)} for imported versions only"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands."""
        algorithm = ALGORITHMS[self.bits].lower().replace("_", "-")
        kind = ("--purpose", "asymmetric-signing", "--default-algorithm", algorithm)
        only = ("--import-only", "--skip-initial-version-creation")
        return [gcloud("kms", "keys", "create", key_id(self.role), *_ring(location), *kind, *only)]

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        cloud.kms.create_key(key_name(cloud.location, self.role), self.bits)


@dataclass(frozen=True, slots=True)
class GrantSigner:
    """Let the mint sign with a role's key. It can read neither the private nor the public key."""

    role: Role
    member: str

    def title(self) -> str:
        """Return the step's title."""
        return f"let {self.member} sign with {key_id(self.role)}"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands."""
        member = ("--role", SIGNER, "--member", self.member, "--condition", "None")
        words = ("kms", "keys", "add-iam-policy-binding", key_id(self.role), *_ring(location), *member)
        return [RETRY + gcloud(*words)]

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        cloud.kms.grant(key_name(cloud.location, self.role), self.member)


@dataclass(frozen=True, slots=True)
class RevokeSigner:
    """Remove the mint's permission to sign with a role's key; the key itself stays."""

    role: Role
    member: str

    def title(self) -> str:
        """Return the step's title."""
        return f"remove the permission of {self.member} to sign with {key_id(self.role)}"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands."""
        member = ("--role", SIGNER, "--member", self.member, "--condition", "None")
        return [gcloud("kms", "keys", "remove-iam-policy-binding", key_id(self.role), *_ring(location), *member)]

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        cloud.kms.revoke(key_name(cloud.location, self.role), self.member)


@dataclass(frozen=True, slots=True)
class ImportKey:
    """Import an App key as the version that the plan expects, and check that KMS holds the same key."""

    role: Role
    version: str
    algorithm: str
    file: str
    key: Secret = field(repr=False, compare=False)

    def title(self) -> str:
        """Return the step's title."""
        number = self.version.rpartition("/")[2]
        return f"wrap the key of {self.file} and import it as version {number} of {key_id(self.role)}"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands; gcloud wraps the key, which must be PKCS#8 DER."""
        method = IMPORT_METHOD.lower().replace("_", "-")
        level = ("--import-method", method, "--protection-level", "software")
        jobs = shlex.join(("gcloud", "kms", "import-jobs"))
        state = f'{jobs} describe "$job" {shlex.join(_ring(location))} --format "value(state)" --quiet'
        algorithm = self.algorithm.lower().replace("_", "-")
        words = ("--key", key_id(self.role), *_ring(location), "--algorithm", algorithm)
        convert = ("openssl", "pkcs8", "-topk8", "-nocrypt", "-in", str(Path(self.file).absolute()))
        return [
            # A new job in each run: jobs cannot be deleted, and expire after three days.
            f"job=fullsend-{self.role}-$(date +%s)",
            f'{jobs} create "$job" {shlex.join((*_ring(location), *level))} --quiet',
            *_wait(state, "ACTIVE"),
            "der=$(mktemp); trap 'rm -f \"$der\"' EXIT",
            f'{shlex.join(convert)} -outform DER -out "$der"',
            f'{gcloud("kms", "keys", "versions", "import", *words)} --import-job "$job" --target-key-file "$der"',
            'rm -f "$der"',
            *_wait(self._state(location), ENABLED),
        ]

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        job, public_pem = cloud.kms.import_job(ring_name(cloud.location))
        key = key_name(cloud.location, self.role)
        found = cloud.kms.import_version(key, job, self.algorithm, wrap(self.key, public_pem))
        if found.name != self.version or not has_public_key(self.key, cloud.kms.public_key(found.name)):
            raise NotReady(
                f"Another operator changed the key {key_id(self.role)} at the same time.", "Run the command again."
            )

    def _state(self, location: MintLocation) -> str:
        number = self.version.rpartition("/")[2]
        words = ("describe", number, "--key", key_id(self.role), *_ring(location), "--format", "value(state)")
        return gcloud("kms", "keys", "versions", *words)


@dataclass(frozen=True, slots=True)
class DisableKeyVersion:
    """Disable a version that the mint no longer signs with; it can be enabled again."""

    role: Role
    version: str

    def title(self) -> str:
        """Return the step's title."""
        _, _, _, _, _, _, _, key, _, number = self.version.split("/")
        return f"disable version {number} of {key}"

    def gcloud(self, location: MintLocation) -> list[str]:  # noqa: ARG002 - the version's name has its own location
        """Return the step as shell commands; the key may be in another ring or project."""
        _, project, _, region, _, ring, _, key, _, number = self.version.split("/")
        where = ("--key", key, "--keyring", ring, "--location", region, "--project", project)
        return [gcloud("kms", "keys", "versions", "disable", number, *where)]

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        cloud.kms.disable(self.version)


def _wait(command: str, state: str) -> list[str]:
    check = f'[ "$({command})" = {state} ]'
    return [f"for _ in $(seq 30); do {check} && break; sleep 2; done", check]


def _ring(location: MintLocation) -> tuple[str, ...]:
    return ("--keyring", KEY_RING, "--location", location.region, "--project", location.project)
