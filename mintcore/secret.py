"""Wrap secrets so that they are not printed by accident, and redact text that looks like a secret.

The wrapper protects log lines, tracebacks and ``repr``. It does not protect against code that calls
:meth:`Secret.reveal`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Last-resort redaction: JWTs and similar text (GitHub's newer tokens), GitHub's classic tokens, PEM keys. A token
# may directly follow a JSON escape such as \n. Attack: "BEGIN KEY" in a claim could hide the rest of an event, so a
# truncated key ends with its JSON string. For speed, each alternative begins with literal letters and looks back
# from there; looking back first costs 0.25 ms per event.
_ALTERNATIVES = (
    r"gh(?:(?<![A-Za-z0-9_]gh)|(?<=\\[bfnrt]gh)|(?<=\\u[0-9a-f]{4}gh))[a-z]_[A-Za-z0-9._-]{16,}",
    (
        r"ey(?:(?<![A-Za-z0-9_]ey)|(?<=\\[bfnrt]ey)|(?<=\\u[0-9a-f]{4}ey))"
        r"[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
    ),
    r'-----BEGIN [A-Z ]*KEY-----(?:[^"\\]|\\.)*?(?:-----END [A-Z ]*KEY-----|(?=")|\\?$)',
)
_SECRETS = re.compile("|".join(_ALTERNATIVES))
# Fast path for text without a secret: searching for the literal beginnings takes a quarter of the time of the
# pattern.
_ONE_BY_ONE = tuple(re.compile(alternative) for alternative in _ALTERNATIVES)


def redact(text: str, keep: Callable[[str], bool] = lambda _text: False) -> str:
    """Return ``text`` without what looks like a token, a JWT or a private key, unless ``keep`` accepts it."""
    if not any(one.search(text) for one in _ONE_BY_ONE):
        return text
    return _SECRETS.sub(lambda found: found[0] if keep(found[0].rstrip(".")) else "<redacted>", text)


def one_line(text: str, max_length: int) -> str:
    """Return another service's sentence on one line: printable, redacted, at most ``max_length`` characters."""
    # Cut first, so the patterns never run over megabytes.
    flat = "".join(c if c.isprintable() else " " for c in text[: 4 * max_length])
    flat = " ".join(redact(flat).split())
    return flat if len(flat) <= max_length else f"{flat[: max_length - 1]}…"


class Secret:
    """A secret string; ``repr``, ``str`` and formatting never show its value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value. Only the code that sends or stores the secret may call this."""
        return self._value

    def hashed(self) -> str:
        """Return base64(SHA-256(value)), the form of ``hashed_token`` in GitHub's audit log."""
        return base64.b64encode(hashlib.sha256(self._value.encode()).digest()).decode()

    def __repr__(self) -> str:
        return "<secret>"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return "<secret>"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a secret is not pickled or copied into another process")
