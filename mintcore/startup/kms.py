"""Use Cloud KMS for the roles that sign there, and a mode's other key store for the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mintcore.keys.access_tokens import AccessTokens
from mintcore.keys.key_stores import KmsOrOther
from mintcore.keys.kms import KmsKeys
from mintcore.settings.service_url import is_loopback

if TYPE_CHECKING:
    from mintcore.observe.log import JsonLog
    from mintcore.outbound.channel import Outbound
    from mintcore.ports import Clock, KeyStore
    from mintcore.settings.environment import Settings

_MAX_ANSWER = 64 * 1024


def kms_keys(settings: Settings, outbound: Outbound, clock: Clock) -> KmsKeys | None:
    """Return the keys in Cloud KMS, ``None`` if no role signs there."""
    if not settings.role_kms_keys:
        return None
    # Never send real credentials to a local emulator.
    local = is_loopback(urlsplit(settings.kms_url).hostname or "")
    tokens = None if local else AccessTokens(clock, proxy_url=settings.proxy_url)
    channel = outbound.channel("kms", settings.kms_url, max_answer_bytes=_MAX_ANSWER)
    return KmsKeys(settings.role_kms_keys, channel, tokens, clock)


def with_kms(kms: KmsKeys | None, other: KeyStore, log: JsonLog) -> KeyStore:
    """Return ``other``, with KMS in front of it if there is one; log which roles sign there."""
    if kms is None:
        return other
    for role, version in sorted(kms.versions.items()):
        log.write("INFO", f"the role {role} signs with Cloud KMS: {version}")
    return KmsOrOther(kms, other)
