"""One install on GitHub as the operator works on it: look first, read everything, carry out steps.

Decides the order of calls. What to do is `plan.py`'s, how to say it to GitHub `store.py`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullsend.github.github_errors import Forbidden, GitHubError
from fullsend.github.slots import Kept, Kind, Slot
from fullsend.github.variables_and_secrets import Store, connect
from fullsend.operate.plan.install_changes import Action, Step, changes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fullsend.github.credentials import Credentials
    from fullsend.operate.model.install import Install


class InstallSession:
    """GitHub, narrowed to the places of one install."""

    def __init__(self, install: Install, credentials: Credentials) -> None:
        self.install = install
        self.credentials = credentials
        self.unread = False
        """Whether the organization's own secrets could not be listed."""
        api = connect(credentials)
        self._stores = {keeper: Store(api, keeper, credentials) for keeper in install.keepers}

    def look(self) -> tuple[str, ...] | None:
        """Make sure that every place exists under this name; return the scopes of a classic token.

        Raises GitHubError, also for a repository that was renamed: its jobs have the new name in their tokens.
        """
        scopes = None
        for keeper, store in self._stores.items():
            name, scopes = store.look()
            if name.lower() != keeper.lower():
                raise GitHubError(f"{keeper} is called {name} by now.", "Run the command with the new name.")
        return scopes

    def read(self) -> dict[Slot, Kept]:
        """Return every variable and secret at every place of the install. Raises GitHubError.

        An install has no secrets in the organization itself. They are listed for what an older one left there,
        and a token that may not list them is good enough: `unread` is set then.
        """
        found: dict[Slot, Kept] = {}
        for keeper, store in self._stores.items():
            found |= store.read(Kind.VARIABLE)
            try:
                found |= store.read(Kind.SECRET)
            except Forbidden:
                if "/" in keeper:
                    raise
                self.unread = True
        return found

    def refused_writes(self) -> list[tuple[str, Kind]]:
        """Return where the install writes and the token may not. Raises GitHubError."""
        written = sorted({(slot.keeper, slot.kind) for slot in self.install.slots()})
        return [(keeper, kind) for keeper, kind in written if not self._stores[keeper].may_write(kind)]

    def carry_out(self, steps: Sequence[Step], done: Callable[[Step], None]) -> None:
        """Take the steps in order and report each. Raises GitHubError, saying how far it came."""
        wanted = changes(steps)
        for number, step in enumerate(wanted):
            try:
                self._take(step)
            except GitHubError as error:
                said = f" {number} of {len(wanted)} changes were made before."
                again = "Running the same command again goes on from there."
                raise GitHubError(error.message + said, f"{error.remedy}\n{again}".lstrip()) from None
            done(step)

    def _take(self, step: Step) -> None:
        store = self._stores[step.slot.keeper]
        if step.action is Action.REMOVE:
            store.remove(step.slot)
        elif step.value is not None:
            store.write(step.slot, step.value, new=step.action is Action.CREATE)


def in_words(refused: Iterable[tuple[str, Kind]]) -> str:
    """Say what a token may not do."""
    return ", ".join(f"{kind}s of {keeper}" for keeper, kind in refused)
