"""Read one install from GitHub: check that its places exist, and find where the token may not write.

`install_changes` plans the changes; the steps are applied to `stores`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullsend.github.github_errors import Forbidden, GitHubError
from fullsend.github.slots import Kind, Slot, Stored
from fullsend.github.variables_and_secrets import Store, connect

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fullsend.github.credentials import Credentials
    from fullsend.operate.model.install import Install


class InstallSession:
    """GitHub, restricted to the places of one install."""

    def __init__(self, install: Install, credentials: Credentials) -> None:
        self.install = install
        self.credentials = credentials
        self.unread = False
        """Whether the organization's own secrets could not be listed."""
        api = connect(credentials)
        self.stores = {holder: Store(api, holder, credentials) for holder in install.holders}

    def look(self) -> tuple[str, ...] | None:
        """Check that every place exists under this name; return the scopes of a classic token.

        Raises GitHubError, also for a repository that was renamed: its jobs have the new name in their tokens.
        """
        scopes = None
        for holder, store in self.stores.items():
            name, scopes = store.look()
            if name.lower() != holder.lower():
                raise GitHubError(f"{holder} is now called {name}.", "Run the command with the new name.")
        return scopes

    def read(self) -> dict[Slot, Stored]:
        """Return every variable and secret at every place of the install. Raises GitHubError.

        An install has no secrets in the organization itself. They are listed only to find leftovers of older
        installs; if the token may not list them, `unread` is set.
        """
        found: dict[Slot, Stored] = {}
        for holder, store in self.stores.items():
            found |= store.read(Kind.VARIABLE)
            try:
                found |= store.read(Kind.SECRET)
            except Forbidden:
                if "/" in holder:
                    raise
                self.unread = True
        return found

    def refused_writes(self) -> list[tuple[str, Kind]]:
        """Return the places of the install where the token may not write. Raises GitHubError."""
        written = sorted({(slot.holder, slot.kind) for slot in self.install.slots()})
        return [(holder, kind) for holder, kind in written if not self.stores[holder].may_write(kind)]


def in_words(refused: Iterable[tuple[str, Kind]]) -> str:
    """Return the places where a token may not write, as text."""
    return ", ".join(f"{kind}s of {holder}" for holder, kind in refused)
