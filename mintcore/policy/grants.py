"""A target's grants: the name of its Actions variable, and the callers in its value.

:mod:`mintcore.github.grant_variables` reads the variable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mintcore.policy.names import Org, Repo, parse_repo

if TYPE_CHECKING:
    from mintcore.policy.names import Role


def variable_name(role: Role) -> str:
    """Return the Actions variable with which a repository or organization grants ``role`` to callers."""
    return f"FULLSEND_FOREIGN_{role.upper().replace('-', '_')}_REPOS"


def grants_to(value: str, caller: Repo) -> bool:
    """Return whether a variable's ``value``, a comma-separated list, has ``caller`` or its owner.

    An entry that is neither ``owner/repo`` nor ``owner`` grants nothing; there is no wildcard.
    """
    return any(_names(entry.strip(), caller) for entry in value.split(","))


def _names(entry: str, caller: Repo) -> bool:
    try:
        return parse_repo(entry) == caller if "/" in entry else Org(entry) == caller.owner
    except ValueError:
        return False
