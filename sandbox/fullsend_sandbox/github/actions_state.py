"""Let tests set Actions variables and secrets, and read them as a job would.

An organization is named by its login, a repository by `owner/name`.
"""

import threading

from fullsend_sandbox.clock import Clock
from fullsend_sandbox.github.actions_stores import ActionsStore, Entry, select
from fullsend_sandbox.github.parts import Parts


class ActionsState:
    """Sets variables and secrets without the API, and reads them as Actions does."""

    def __init__(self, parts: Parts, lock: threading.RLock, clock: Clock) -> None:
        self._world = parts.world
        self._stores = parts.actions_stores
        self._state = lock
        self._clock = clock

    def put_variable(self, holder: str, name: str, value: str, *, visibility: str = "all", only: str = "") -> None:
        """Set a variable; `only` is the one repository that receives it when visibility is `selected`."""
        with self._state:
            ids = [self._world.require_repository(only).id] if only else []
            now = self._clock()
            entry = Entry(name.upper(), value, now, now)
            select(entry, visibility, ids)
            self._store(holder).variables[entry.name] = entry

    def put_secret(self, holder: str, name: str, value: str) -> None:
        """Set a secret."""
        with self._state:
            now = self._clock()
            self._store(holder).secrets[name.upper()] = Entry(name.upper(), value, now, now)

    def variables(self, holder: str) -> dict[str, str]:
        """Return the variables of one account or repository."""
        with self._state:
            return {name: entry.value for name, entry in self._store(holder).variables.items()}

    def secrets(self, holder: str) -> dict[str, str]:
        """Return the secrets of one account or repository, decrypted."""
        with self._state:
            return {name: entry.value for name, entry in self._store(holder).secrets.items()}

    def variables_seen_by(self, repository: str) -> dict[str, str]:
        """Return the variables a job of this repository sees."""
        with self._state:
            return self._stores.variables_seen_by(self._world.require_repository(repository))

    def secrets_seen_by(self, repository: str) -> dict[str, str]:
        """Return the secrets a job of this repository sees, decrypted."""
        with self._state:
            return self._stores.secrets_seen_by(self._world.require_repository(repository))

    def _store(self, holder: str) -> ActionsStore:
        if "/" in holder:
            return self._stores.of(self._world.require_repository(holder))
        return self._stores.of(self._world.require_account(holder))
