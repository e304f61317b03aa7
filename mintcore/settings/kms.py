"""Read ``ROLE_KMS_KEYS``: which roles sign with Cloud KMS, and with which key version."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from mintcore.policy.names import parse_role
from mintcore.policy.roles import key_role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mintcore.policy.names import Role
    from mintcore.policy.roles import RoleBook
    from mintcore.settings.reader import Reader

# Cloud KMS resource names. The version must be a number, because rotation changes this setting.
KEY_VERSION = re.compile(
    r"projects/[a-z0-9][a-z0-9:.-]{0,99}/locations/[a-z0-9-]{1,63}/keyRings/[A-Za-z0-9_-]{1,63}"
    r"/cryptoKeys/[A-Za-z0-9_-]{1,63}/cryptoKeyVersions/[1-9][0-9]{0,9}"
)


def read_kms_keys(reader: Reader, roles: RoleBook) -> Mapping[Role, str]:
    """Return the key version per role; a role without an App and an invalid version are problems."""
    versions: dict[Role, str] = {}
    for name, version in reader.json_object("ROLE_KMS_KEYS").items():
        if not isinstance(version, str) or not KEY_VERSION.fullmatch(version):
            reader.problem(
                "ROLE_KMS_KEYS", f'needs a key version (projects/…/cryptoKeyVersions/N) for "{name[:60]}"'
            )
            continue
        for role in reader.parsed("ROLE_KMS_KEYS", [name], parse_role):
            if key_role(role) != role:
                reader.problem(
                    "ROLE_KMS_KEYS", f"has the role {role}, which uses the key of {key_role(role)}; name that role"
                )
            elif role not in roles.holds:
                reader.problem("ROLE_KMS_KEYS", f"has the role {role}, whose App ID is not in ROLE_APP_IDS")
            else:
                versions[role] = version
    return MappingProxyType(versions)
