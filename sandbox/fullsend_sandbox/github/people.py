"""Let tests make users owners and create personal access tokens."""

import threading
from collections.abc import Iterable, Mapping

from fullsend_sandbox.github.parts import Parts


class People:
    """Makes owners of organizations and their tokens."""

    def __init__(self, parts: Parts, lock: threading.RLock) -> None:
        self._world = parts.world
        self._tokens = parts.user_tokens
        self._state = lock

    def make_owner(self, login: str, org: str) -> None:
        """Make a user an owner of an organization. Raises ValueError when either is missing."""
        with self._state:
            self._world.require_account(org).owners.append(self._world.require_account(login))

    def classic_token(self, login: str, scopes: Iterable[str]) -> str:
        """Make a classic personal access token with these scopes."""
        with self._state:
            return self._tokens.add_classic(self._world.require_account(login), scopes)

    def fine_grained_token(
        self,
        login: str,
        owner: str,
        permissions: Mapping[str, str],
        repositories: Iterable[str] | None = None,
    ) -> str:
        """Make a fine-grained token for one account's repositories: all, or these (without owner)."""
        with self._state:
            user, account = self._world.require_account(login), self._world.require_account(owner)
            ids = None
            if repositories is not None:
                names = [f"{owner}/{name}" for name in repositories]
                ids = frozenset(self._world.require_repository(name).id for name in names)
            return self._tokens.add_fine_grained(user, account, permissions, ids)

    def revoke(self, token: str) -> None:
        """End a personal access token."""
        with self._state:
            self._tokens.revoke(token)
