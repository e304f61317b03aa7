"""Names of Cloud KMS for a mint's keys, and what a mint's environment says of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fullsend.operate.model.environment import json_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.operate.model.names import MintLocation
    from mintcore.policy.names import Role

KMS_API = "cloudkms.googleapis.com"
KEY_RING = "fullsend-mint"
VARIABLE = "ROLE_KMS_KEYS"
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


def ring_name(location: MintLocation) -> str:
    """Return the key ring's full name: in the mint's project and region."""
    return f"projects/{location.project}/locations/{location.region}/keyRings/{KEY_RING}"


def key_id(role: Role) -> str:
    """Return the id of a role's key."""
    return f"fullsend-{role}-app"


def key_name(location: MintLocation, role: Role) -> str:
    """Return the full name of a role's key."""
    return f"{ring_name(location)}/cryptoKeys/{key_id(role)}"


def keys_in_use(environment: Mapping[str, str]) -> dict[str, str]:
    """Return role → key version of the roles that sign with Cloud KMS. Raises BadInput."""
    return {str(role): str(version) for role, version in json_object(environment, VARIABLE).items()}


def with_key(environment: Mapping[str, str], role: Role, version: str) -> str:
    """Return ROLE_KMS_KEYS with this version for the role. Raises BadInput."""
    return json.dumps(keys_in_use(environment) | {str(role): version}, sort_keys=True)


def without_key(environment: Mapping[str, str], role: Role) -> tuple[tuple[str, str], ...]:
    """Return what to set so that the role does not sign with Cloud KMS. Raises BadInput."""
    before = keys_in_use(environment)
    after = {name: version for name, version in before.items() if name != str(role)}
    return () if after == before else ((VARIABLE, json.dumps(after, sort_keys=True) if after else ""),)
