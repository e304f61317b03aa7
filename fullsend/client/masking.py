"""Show of a token only the prefix that names its kind, and the hash that finds it in the audit log.

Tokens are opaque. A classic installation token is `ghs_` and 36 characters, the stateless form about 520
with dots and dashes; neither length nor alphabet may decide whether something is masked.
"""

from __future__ import annotations

import base64
import hashlib
import re

_KIND = re.compile(r"[a-z]{2,10}_")
_MIN_TO_SHOW_KIND = 20


def masked(token: str) -> str:
    """Return `ghs_***` for a token that names its kind and is long enough for that to give nothing away."""
    kind = _KIND.match(token)
    shown = kind[0] if kind and len(token) >= _MIN_TO_SHOW_KIND else ""
    return f"{shown}***"


def audit_hash(token: str) -> str:
    """Return the base64 of the token's SHA-256, which GitHub's audit log holds as `hashed_token`."""
    return base64.b64encode(hashlib.sha256(token.encode()).digest()).decode()


def redact(text: str, token: str) -> str:
    """Replace every occurrence of a token in a text."""
    return text.replace(token, masked(token)) if token else text
