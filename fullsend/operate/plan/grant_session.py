"""Change the grants of one organization or repository without losing what others change at the same time.

GitHub's variables have no etag, but GitHub creates a variable only once. A second variable is therefore the lock:
the command that created it may read, merge and write, and the others wait. After writing, the value is read again,
because a person may write by hand.
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
        """Return the step from what GitHub has to what it should have. Raises GitHubError."""
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
            "Run the command again when no person edits the variable by hand.",
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
            # Two commands with equal waits would collide every time.
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
        # The call may have been repeated after an answer that was lost: then the lock that exists is ours.
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
