"""What the rows of trust are made of: callers, bodies, and what GitHub grants.

What is expected is written out or made from the sandbox's own table of permissions, never from the mint's code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fullsend_sandbox import names
from tests.contract.trust_world import CONFIG_FLOW, HOST_FLOW, SCANNER, TrustRow

if TYPE_CHECKING:
    from collections.abc import Mapping

APPS = names.app_permissions()
FULL: Mapping[str, Mapping[str, str]] = {
    **APPS,
    "fix": {"contents": "write", "pull_requests": "write", "issues": "write", "metadata": "read"},
}
METADATA = {"metadata": "read"}
OTHER = {"repository": "other-org/app", "workflow": "other-org/app/.github/workflows/triage.yml@refs/heads/main"}
DOCS = {"repository": "octo-org/docs", "workflow": "octo-org/docs/.github/workflows/triage.yml@refs/heads/main"}
CONFIG = {"repository": "octo-org/.fullsend", "workflow": CONFIG_FLOW}
STRANGER = {"repository": "third-org/app", "workflow": f"{HOST_FLOW}@refs/heads/main"}
APP = {"repository": "octo-org/app", "workflow": CONFIG_FLOW}


def level(role: str, name: str = "write") -> dict[str, str]:
    """What GitHub grants of a role's level: it does not have ``workflows: read``."""
    full = FULL[role]
    return dict(full) if name == "write" else {one: "read" for one in full if one != "workflows"}


def scanner(name: str) -> dict[str, str]:
    return {
        one: access for one, access in SCANNER["levels"][name].items() if (one, access) != ("workflows", "read")
    }


def lacks(role: str, name: str) -> tuple[str, ...]:
    return ("workflows:read",) if name == "read" and "workflows" in FULL[role] else ()


def ok(config: str, what: str, body: Any, repos: str = "", permissions: Any = None, **more: Any) -> TrustRow:
    """A row that mints; ``repos`` are full names, and ``permissions`` those of the role if none are given."""
    given = level(body["role"], body.get("level", "write")) if permissions is None else permissions
    return TrustRow(config, what, body, repos=tuple(repos.split()), permissions=given, **more)


def no(config: str, what: str, body: Any, code: str, *says: str, status: int = 403, **more: Any) -> TrustRow:
    return TrustRow(config, what, body, status=status, code=code, says=says, **more)


def coder(*repos: str, **more: Any) -> dict[str, Any]:
    return {"role": "coder", **({"repos": list(repos)} if repos else {}), **more}


def role(name: str, *repos: str, **more: Any) -> dict[str, Any]:
    return coder(*repos, **more) | {"role": name}


MAIN = APP | {"workflow": f"{HOST_FLOW}@refs/heads/main"}


def at(ref: str) -> dict[str, str]:
    return APP | {"workflow": f"{HOST_FLOW}@{ref}"}


READ = level("coder", "read")
