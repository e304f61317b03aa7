"""Methods with which a test sets Actions variables and secrets, and reads them as a job would.

An organization is named by its login, a repository by `owner/name`.
"""

import threading

from fullsend_sandbox.clock import Clock
from fullsend_sandbox.github.parts import Parts
from fullsend_sandbox.github.vaults import Entry, Vault, select


class ActionsState:
    """Sets variables and secrets without the API, and reads them as Actions does."""

    def __init__(self, parts: Parts, lock: threading.RLock, clock: Clock) -> None:
        self._world = parts.world
        self._vaults = parts.vaults
        self._state = lock
        self._clock = clock

    def put_variable(self, keeper: str, name: str, value: str, *, visibility: str = "all", only: str = "") -> None:
        """Set a variable; `only` is the one repository that receives it when visibility is `selected`."""
        with self._state:
            ids = [self._world.require_repository(only).id] if only else []
            now = self._clock()
            entry = Entry(name.upper(), value, now, now)
            select(entry, visibility, ids)
            self._vault(keeper).variables[entry.name] = entry

    def put_secret(self, keeper: str, name: str, value: str) -> None:
        """Set a secret."""
        with self._state:
            now = self._clock()
            self._vault(keeper).secrets[name.upper()] = Entry(name.upper(), value, now, now)

    def variables(self, keeper: str) -> dict[str, str]:
        """Return the variables of one account or repository."""
        with self._state:
            return {name: entry.value for name, entry in self._vault(keeper).variables.items()}

    def secrets(self, keeper: str) -> dict[str, str]:
        """Return the secrets of one account or repository, decrypted."""
        with self._state:
            return {name: entry.value for name, entry in self._vault(keeper).secrets.items()}

    def variables_seen_by(self, repository: str) -> dict[str, str]:
        """Return the variables a job of this repository sees."""
        with self._state:
            return self._vaults.variables_seen_by(self._world.require_repository(repository))

    def secrets_seen_by(self, repository: str) -> dict[str, str]:
        """Return the secrets a job of this repository sees, decrypted."""
        with self._state:
            return self._vaults.secrets_seen_by(self._world.require_repository(repository))

    def _vault(self, keeper: str) -> Vault:
        if "/" in keeper:
            return self._vaults.of(self._world.require_repository(keeper))
        return self._vaults.of(self._world.require_account(keeper))
