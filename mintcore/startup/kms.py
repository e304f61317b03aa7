"""Use Cloud KMS for the roles that sign there, and the mode's other key store for the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mintcore.keys.google_api import google_api
from mintcore.keys.key_stores import CombinedKeys
from mintcore.keys.kms import KmsKeys

if TYPE_CHECKING:
    from mintcore.clock import Clock
    from mintcore.keys.access_tokens import AccessTokens
    from mintcore.observe.log import JsonLog
    from mintcore.outbound.channel import Outbound
    from mintcore.ports import KeyStore
    from mintcore.settings.environment import Settings


def kms_keys(settings: Settings, outbound: Outbound, tokens: AccessTokens, clock: Clock) -> KmsKeys | None:
    """Return the keys in Cloud KMS, ``None`` if no role signs there."""
    if not settings.role_kms_keys:
        return None
    return KmsKeys(settings.role_kms_keys, google_api("kms", settings.kms_url, outbound, tokens), clock)


def with_kms(kms: KmsKeys | None, other: KeyStore, log: JsonLog) -> KeyStore:
    """Return ``other``, combined with KMS if it is configured; log which roles sign there."""
    if kms is None:
        return other
    for role, version in sorted(kms.versions.items()):
        log.write("INFO", f"the role {role} signs with Cloud KMS: {version}")
    return CombinedKeys(kms, other)
