"""Read the audience of a token before the client sends it.

Attack: a mint that gets a token for another audience could use it there. In GitLab CI and Kubernetes the job's own
configuration chooses the audience, so a token with a wrong one must not leave the job. Only the mint verifies it.
"""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode

from fullsend.net.answer import is_token

PARTS = 3


def audiences(token: str) -> list[str]:
    """Return the audiences of a JWT (RFC 7519 §4.1.3). Raises ValueError for text that is not a JWT."""
    parts = token.split(".")
    if not is_token(token) or len(parts) != PARTS:
        raise ValueError("not a JWT")
    try:
        claims = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        raise ValueError("not a JWT") from None
    if not isinstance(claims, dict):
        raise ValueError("not a JWT")  # noqa: TRY004 - callers handle one kind
    found = claims.get("aud")
    return [one for one in (found if isinstance(found, list) else [found]) if isinstance(one, str)]
