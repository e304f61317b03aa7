"""Define the permission that an endpoint requires of its caller."""

from typing import NamedTuple

ADMINISTRATION = ("actions_variables", "secrets")
"""Permissions that a read needs even on a public repository."""


class Need(NamedTuple):
    """A permission at a level, and its page in the reference."""

    permission: str
    level: str
    page: str

    @property
    def kind(self) -> str:
        """`variables` or `secrets`, for the sentence of a refusal."""
        return self.permission.rpartition("_")[2]


def is_public(need: Need) -> bool:
    """Whether every caller may do this on a public repository."""
    return need.level == "read" and need.permission not in ADMINISTRATION


def permission_header(need: Need) -> dict[str, str]:
    """Return the header of a 403 that names the permission that suffices."""
    return {"X-Accepted-GitHub-Permissions": f"{need.permission}={need.level}"}
