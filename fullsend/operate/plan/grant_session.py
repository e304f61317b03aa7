"""Change the grants of one organization or repository without losing concurrent changes.

GitHub's variables have no etag, but GitHub creates a variable only once. So a second variable is the lock: the
command that created it reads, merges and writes, and other commands wait. Then it reads the value again, because a
person may have edited it meanwhile.
"""

from __future__ import annotations

import secrets
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fullsend.github.github_errors import GitHubError
from fullsend.github.slots import Kind, Slot
from fullsend.github.variables_and_secrets import Store, connect
from fullsend.operate.model.grant_list import Grants, lock_name, parse_grants, role_of
from fullsend.operate.operate_errors import Conflict
from fullsend.operate.plan.steps.slot_steps import Action, ChangeSlot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fullsend.github.credentials import Credentials
    from fullsend.operate.model.grant_list import Caller

LOCK_SECONDS = 60.0
POLL_SECONDS = 0.5
ATTEMPTS = 5


class GrantSession:
    """The grant variables of one target."""

    def __init__(
        self, target: Caller, credentials: Credentials, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.holder = str(target)
        self._store = Store(connect(credentials), self.holder, credentials)
        self._sleep = sleep

    def look(self) -> None:
        """Check that the target exists under this name. Raises GitHubError."""
        name, _ = self._store.look()
        if name.lower() != self.holder.lower():
            raise GitHubError(f"{self.holder} is now called {name}.", "Run the command with the new name.")

    def read(self) -> dict[str, Grants]:
        """Return the grants by variable. Raises GitHubError."""
        kept = self._store.read(Kind.VARIABLE)
        named = {slot.name: found.value or "" for slot, found in kept.items()}
        return {name: parse_grants(value) for name, value in sorted(named.items()) if role_of(name) is not None}

    def plan(self, variable: str, merge: Callable[[Grants], Grants]) -> ChangeSlot:
        """Return the step from the present to the wanted grants. Raises GitHubError."""
        before = self.read().get(variable)
        return _step(Slot(self.holder, Kind.VARIABLE, variable), before, merge(before or Grants()))

    def change(self, variable: str, merge: Callable[[Grants], Grants]) -> ChangeSlot:
        """Make the change and return it. Raises GitHubError, or Conflict if others keep changing the variable."""
        with self._locked(variable):
            done: ChangeSlot | None = None
            for _ in range(ATTEMPTS):
                step = self.plan(variable, merge)
                if step.action is Action.KEEP:
                    return done or step
                step.apply({self.holder: self._store})
                done = step
        raise Conflict(
            f"Other commands keep changing the {Slot(self.holder, Kind.VARIABLE, variable)}.",
            "Run the command again when no person is editing the variable.",
        )

    @contextmanager
    def _locked(self, variable: str) -> Iterator[None]:
        lock, mine = Slot(self.holder, Kind.VARIABLE, lock_name(variable)), secrets.token_hex(8)
        waited = 0.0
        while not self._take_lock(lock, mine):
            if waited >= LOCK_SECONDS:
                raise Conflict(
                    f"Another command has held the lock on the grants of {self.holder} for {LOCK_SECONDS:.0f} "
                    "seconds, or was killed while it held it.",
                    f"If none is running: gh variable delete {lock.name} {_where(self.holder)}",
                )
            # With equal waits, two commands would collide every time.
            pause = POLL_SECONDS * (1 + secrets.randbelow(100) / 100)
            self._sleep(pause)
            waited += pause
        try:
            yield
        finally:
            self._store.remove(lock)

    def _take_lock(self, lock: Slot, mine: str) -> bool:
        if self._store.create(lock, mine):
            return True
        # If the call was repeated after a lost answer, the existing lock is ours.
        found = self._store.read(Kind.VARIABLE).get(lock)
        return found is not None and found.value == mine


def _step(slot: Slot, before: Grants | None, after: Grants) -> ChangeSlot:
    if before is None:
        return ChangeSlot(Action.CREATE, slot, str(after)) if after.entries else ChangeSlot(Action.KEEP, slot, "")
    if after == before:
        return ChangeSlot(Action.KEEP, slot, str(before))
    if not after.entries:
        return ChangeSlot(Action.REMOVE, slot, before=str(before))
    return ChangeSlot(Action.UPDATE, slot, str(after), before=str(before))


def _where(holder: str) -> str:
    return f"--repo {holder}" if "/" in holder else f"--org {holder}"
