"""Define the Cloud KMS names and states of a mint's keys, and find the keys in use in the mint's environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fullsend.operate.model.environment import KMS_KEYS, json_object
from mintcore.policy.names import parse_role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.operate.model.names import MintLocation
    from mintcore.policy.names import Role

KMS_API = "cloudkms.googleapis.com"
KEY_RING = "fullsend-mint"
ENABLED = "ENABLED"
DISABLED = "DISABLED"
ALGORITHMS = {
    2048: "RSA_SIGN_PKCS1_2048_SHA256",
    3072: "RSA_SIGN_PKCS1_3072_SHA256",
    4096: "RSA_SIGN_PKCS1_4096_SHA256",
}


@dataclass(frozen=True, slots=True)
class KmsVersion:
    """A key version: its full name and its state; the algorithm as Cloud KMS writes it."""

    name: str
    state: str
    algorithm: str

    @property
    def number(self) -> int:
        """The version's number."""
        return int(self.name.rpartition("/")[2])


@dataclass(frozen=True, slots=True)
class KeyState:
    """A role's key in Cloud KMS: its versions, newest first (None: no such key), and the members that may sign."""

    versions: tuple[KmsVersion, ...] | None = None
    signers: frozenset[str] = frozenset()
    usable: str = ""
    """The enabled version that holds the operator's key; without a key, the newest enabled one; else empty."""
    has_ring: bool = False

    @property
    def enabled(self) -> tuple[str, ...]:
        """The names of the enabled versions."""
        return tuple(one.name for one in self.versions or () if one.state == ENABLED)


def ring_name(location: MintLocation) -> str:
    """Return the key ring's full name: in the mint's project and region."""
    return f"projects/{location.project}/locations/{location.region}/keyRings/{KEY_RING}"


def key_id(role: Role) -> str:
    """Return the id of a role's key."""
    return f"fullsend-{role}-app"


def key_name(location: MintLocation, role: Role) -> str:
    """Return the full name of a role's key."""
    return f"{ring_name(location)}/cryptoKeys/{key_id(role)}"


def role_of(key: str) -> Role | None:
    """Return the role whose key has this full name, or None for another key."""
    identifier = key.rpartition("/")[2]
    try:
        role = parse_role(identifier.removeprefix("fullsend-").removesuffix("-app"))
    except ValueError:
        return None
    return role if key_id(role) == identifier else None


def keys_in_use(environment: Mapping[str, str]) -> dict[str, str]:
    """Return role → key version of the roles that sign with Cloud KMS. Raises BadInput."""
    return {str(role): str(version) for role, version in json_object(environment, KMS_KEYS).items()}
