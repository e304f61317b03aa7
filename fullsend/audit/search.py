"""Select the events that match: by token, by request, by repository, by run.

Every field may be missing or have another type, because the events come from a file.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_DIGEST_BYTES = 32
_HEX = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True)
class EventFilter:
    """The conditions that an event must meet; an empty field matches every event.

    ``token_hash`` is in base64, as :func:`normal_hash` returns it; ``repo`` is ``owner/name``.
    """

    token_hash: str = ""
    repo: str = ""
    run: str = ""
    issuer: str = ""
    """The name in ISSUERS of another CI system's issuer."""
    would_deny: bool = False
    """Only events in which a rule that reports would have denied."""
    request_id: str = ""

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Return whether the event has every part that the filter names."""
        caller, issued = _mapping(event, "caller"), _mapping(event, "issued")
        return (
            # The second is a token that was requested during the STS exchange and revoked.
            (not self.token_hash or self.token_hash in {issued.get("hashed_token"), event.get("hashed_token")})
            and (not self.would_deny or bool(_list(event, "would_deny")))
            and (not self.request_id or event.get("request_id") == self.request_id)
            and (not self.run or str(caller.get("run_id", "")) == self.run)
            # The second is an issuer whose keys could not be fetched.
            and (not self.issuer or self.issuer in {caller.get("issuer"), event.get("issuer")})
            and (not self.repo or self._concerns(event, caller, issued))
        )

    def _concerns(self, event: Mapping[str, Any], caller: Mapping[str, Any], issued: Mapping[str, Any]) -> bool:
        """Whether the repository made the request, was requested, or is reached by the issued token."""
        wanted = self.repo.lower()
        owner = str(caller.get("owner", "")).lower()
        named = {str(caller.get("repository", "")).lower()}
        named |= {str(name).lower() for name in _list(issued, "repositories")}
        named |= {f"{owner}/{name}".lower() for name in _list(event, "repos")}
        # A token of the whole installation reaches every repository of its organization.
        everything = bool(issued) and not _list(issued, "repositories") and wanted.startswith(f"{owner}/")
        return wanted in named or everything


def normal_hash(text: str) -> str:
    """Return a SHA-256 in base64; the input may be base64, base64url or hex. Raises ValueError."""
    text = text.strip()
    if _HEX.fullmatch(text):
        return base64.b64encode(bytes.fromhex(text)).decode()
    standard = text.replace("-", "+").replace("_", "/").rstrip("=") + "="
    try:
        digest = base64.b64decode(standard, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != _DIGEST_BYTES:
        raise ValueError("this is not a SHA-256 in base64 or hex")
    return base64.b64encode(digest).decode()


def _mapping(event: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = event.get(name)
    return value if isinstance(value, dict) else {}


def _list(event: Mapping[str, Any], name: str) -> list[Any]:
    value = event.get(name)
    return value if isinstance(value, list) else []
