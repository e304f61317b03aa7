"""A wrapper for values that must not print.

It protects against accidents (a log line, a traceback, a ``repr`` in a debugger), not against code that calls
:meth:`Secret.reveal`.
"""

from __future__ import annotations

import base64
import hashlib


class Secret:
    """A secret string; ``repr``, ``str`` and formatting show that there is one and nothing of it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value, for the one place that sends it."""
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
