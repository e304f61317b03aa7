"""Create, store as hashes, expire and revoke installation tokens.

GitHub REST: "Create an installation access token for an app". It also tells whether a token is valid and what it
covers. Not thread-safe by itself.
"""

import base64
import hashlib
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from fullsend_sandbox.clock import Clock
from fullsend_sandbox.github.state import App, Installation, Repository

LIFETIME = 3600
PRUNE_EVERY = 1000
LETTERS = string.ascii_letters + string.digits


class TokenStyle(Enum):
    """How tokens look."""

    CLASSIC = "classic"
    """`ghs_` and 36 letters and digits."""
    STATELESS = "stateless"
    """About 520 characters, with dots, dashes and underscores among them."""


@dataclass(frozen=True, eq=False)
class IssuedToken:
    """The record of a token; the token itself is not kept."""

    hashed: str
    """Base64 of the SHA-256, as the audit log's `hashed_token`."""
    installation: Installation
    permissions: Mapping[str, str]
    repository_ids: frozenset[int] | None
    """None: every repository that the installation can use at the time."""
    issued_at: float
    expires_at: int

    def covers(self, repository: Repository) -> bool:
        """Whether the token reaches a repository: never further than its installation does today."""
        narrowed = self.repository_ids is None or repository.id in self.repository_ids
        return narrowed and self.installation.covers(repository)


class Tokens:
    """The tokens of one GitHub."""

    def __init__(self, clock: Clock, style: TokenStyle) -> None:
        self.style = style
        self.unusable_for = 0.0
        """Seconds in which a fresh token is refused."""
        self._clock = clock
        self._live: dict[str, IssuedToken] = {}
        self._issued = 0

    def issue(
        self,
        installation: Installation,
        permissions: Mapping[str, str],
        repository_ids: frozenset[int] | None,
    ) -> tuple[str, IssuedToken]:
        """Make a token that lives for an hour."""
        self._issued += 1
        if self._issued % PRUNE_EVERY == 0:
            self._live = {key: kept for key, kept in self._live.items() if not self._expired(kept)}
        token = _text(self.style, installation.app)
        now = self._clock()
        issued = IssuedToken(
            hash_token(token), installation, dict(permissions), repository_ids, now, int(now) + LIFETIME
        )
        self._live[issued.hashed] = issued
        return token, issued

    def find(self, token: str) -> IssuedToken | None:
        """Find a valid token: not expired, not revoked, and old enough to be known everywhere."""
        issued = self._live.get(hash_token(token))
        if issued is None or self._expired(issued):
            return None
        return None if self._clock() < issued.issued_at + self.unusable_for else issued

    def revoke(self, issued: IssuedToken) -> None:
        """End a token now."""
        self._live.pop(issued.hashed, None)

    def revoke_all(self, installation: Installation) -> None:
        """End every token of an installation."""
        self._live = {k: kept for k, kept in self._live.items() if kept.installation is not installation}

    def live(self) -> list[IssuedToken]:
        """Every token that is neither expired nor revoked, oldest first."""
        return [issued for issued in self._live.values() if not self._expired(issued)]

    def _expired(self, issued: IssuedToken) -> bool:
        return self._clock() >= issued.expires_at


def hash_token(token: str) -> str:
    """Return base64 of the SHA-256."""
    return base64.b64encode(hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()).decode()


def _text(style: TokenStyle, app: App) -> str:
    if style is TokenStyle.CLASSIC:
        return "ghs_" + "".join(secrets.choice(LETTERS) for _ in range(36))
    # Random throughout, so no code can rely on a structure.
    return f"ghs_{app.id}_{secrets.token_urlsafe(27)}.{secrets.token_urlsafe(96)}-_.{secrets.token_urlsafe(256)}"
