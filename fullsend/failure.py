"""Define the base of every failure that a command explains: a message, a remedy and a stable code.

    Failure
    ├── BadInput           a name, a file or a setting breaks a rule; nothing was sent
    ├── GitHubError        fullsend.github
    ├── MintClientError    fullsend.client
    └── OperateError       fullsend.operate

No text ever holds a key or a token.
"""

from __future__ import annotations


class Failure(Exception):
    """A command cannot continue: `message` says what happened, `remedy` what to change (possibly empty)."""

    def __init__(self, message: str, remedy: str = "", *, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self._remedy = remedy

    @property
    def remedy(self) -> str:
        """The change that fixes it; empty if unknown."""
        return self._remedy


class BadInput(Failure):
    """A name, a file or a setting breaks a rule; nothing was sent."""
