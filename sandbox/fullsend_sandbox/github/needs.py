"""What an endpoint asks of its caller, whatever kind of caller that is."""

from typing import NamedTuple

ADMINISTRATION = ("actions_variables", "secrets")
"""Permissions without which nobody reads these, on a public repository either."""


class Need(NamedTuple):
    """A permission at a level, and the page of the reference that says so."""

    permission: str
    level: str
    page: str

    @property
    def kind(self) -> str:
        """`variables` or `secrets`, for the sentence of a refusal."""
        return self.permission.rpartition("_")[2]


def is_public(need: Need) -> bool:
    """Whether anyone may do this to a public repository, whatever their token is scoped to."""
    return need.level == "read" and need.permission not in ADMINISTRATION


def permission_header(need: Need) -> dict[str, str]:
    """Return the header of a 403 that names the permission which would have done."""
    return {"X-Accepted-GitHub-Permissions": f"{need.permission}={need.level}"}
