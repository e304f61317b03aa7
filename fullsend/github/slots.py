"""Values for Actions variables and secrets: a slot is a name at one holder, `Stored` is what GitHub shows of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """A variable is readable by everyone who may read the repository; a secret cannot be read back."""

    VARIABLE = "variable"
    SECRET = "secret"  # noqa: S105 - a kind, not a secret


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """One name at one place; `holder` is an organization or `owner/repo`."""

    holder: str
    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name} of {self.holder}"


@dataclass(frozen=True, slots=True)
class Stored:
    """What GitHub shows of a slot: no value for a secret, no visibility in a repository."""

    value: str | None = None
    visibility: str | None = None
    updated_at: str = ""
