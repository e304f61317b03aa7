"""Define slots: a slot is the place of one Actions variable or secret, `Stored` is its value as GitHub shows it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """A variable, which every reader of the repository can read, or a secret, which cannot be read back."""

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
    """A slot as GitHub shows it: without a value for a secret, without a visibility in a repository."""

    value: str | None = None
    visibility: str | None = None
    updated_at: str = ""
