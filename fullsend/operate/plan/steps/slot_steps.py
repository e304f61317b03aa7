"""Define the step on one variable or secret of an organization or repository on GitHub."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from fullsend.github.slots import Kind, Slot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.github.variables_and_secrets import Store

    Stores = Mapping[str, Store]


class Action(Enum):
    """The change of a slot."""

    CREATE = "create"
    UPDATE = "update"
    REWRITE = "write again"
    REMOVE = "remove"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class ChangeSlot:
    """One action on one slot; `value` is the value to write, `before` a variable's present value."""

    action: Action
    slot: Slot
    value: str | None = field(default=None, repr=False)
    before: str | None = field(default=None, repr=False)

    def title(self) -> str:
        """Return the step's title, which never contains a secret's value."""
        line = f"{self.action.value} {self.slot}"
        if self.slot.kind is Kind.SECRET:
            return f"{line} (there already; its value cannot be read)" if self.action is Action.KEEP else line
        if self.action in (Action.CREATE, Action.KEEP):
            return f"{line}: {self.value}"
        return f"{line}: {self.before} -> {self.value}" if self.action is Action.UPDATE else line

    def __str__(self) -> str:
        """Return the title."""
        return self.title()

    def apply(self, stores: Stores, /) -> None:
        """Apply the step. Raises GitHubError."""
        store = stores[self.slot.holder]
        if self.action is Action.REMOVE:
            store.remove(self.slot)
        elif self.action is not Action.KEEP and self.value is not None:
            store.write(self.slot, self.value, new=self.action is Action.CREATE)
