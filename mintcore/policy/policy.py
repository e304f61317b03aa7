"""Hold the operator's settings about trust in one frozen value that the rules read."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from mintcore.policy.levels import WRITE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mintcore.policy.caller_entry import CallerEntry
    from mintcore.policy.names import Org, Repo, Role
    from mintcore.policy.ref_patterns import RefPatterns
    from mintcore.policy.roles import RoleBook

# The repository that holds an organization's own copies of the workflows.
CONFIG_REPO: Final = ".fullsend"

CALLER: Final = "caller"
ORGANIZATION: Final = "organization"

REPORTABLE: Final = ("repo_scope", "workflow_refs", "claims", "ids")
"""The rules that REPORT_ONLY can name."""


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """The operator's trust settings.

    ``orgs`` is ``None`` in public mode. ``workflow_files`` holds folded names; ``None`` is ``*``, any file, and an
    empty set denies every tight-mode request. ``scopes`` has ``caller`` or ``organization`` per role, and
    ``default_scope`` is that of every other role. ``workflow_refs`` is ``None`` if any ref is trusted. ``callers``
    lists which jobs of other CI systems may ask; ``callers_scope`` is their scope if ``scopes`` has none for the
    role. ``enrolled_orgs`` and ``enrolled_repos`` hold GitHub's numeric ids as text. ``grants`` tells whether
    targets can grant; ``report_only`` has names from REPORTABLE.
    """

    orgs: frozenset[Org] | None
    workflow_files: frozenset[str] | None
    host_repos: frozenset[Repo]
    per_repo_repos: frozenset[Repo]
    roles: RoleBook
    scopes: Mapping[Role, str] = field(default_factory=lambda: MappingProxyType({}))
    default_scope: str = ORGANIZATION
    default_level: str = WRITE
    workflow_refs: RefPatterns | None = None
    required_claims: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    enrolled_orgs: Mapping[Org, str] = field(default_factory=lambda: MappingProxyType({}))
    enrolled_repos: Mapping[Repo, str] = field(default_factory=lambda: MappingProxyType({}))
    grants: bool = False
    report_only: frozenset[str] = frozenset()
    callers: tuple[CallerEntry, ...] = ()
    callers_scope: str = CALLER

    @property
    def public(self) -> bool:
        """Whether any organization may ask."""
        return self.orgs is None

    def scope_of(self, role: Role, *, listed: bool = False) -> str:
        """Return ``caller`` or ``organization``; ``listed`` tells whether the caller is a job of CALLERS."""
        return self.scopes.get(role, self.callers_scope if listed else self.default_scope)

    def enrolls(self, repository: Repo) -> bool:
        """Return whether the repository's owner or the repository itself is enrolled."""
        return self.orgs is None or repository.owner in self.orgs or repository in self.per_repo_repos

    def is_enrolled_alone(self, repository: Repo) -> bool:
        """Return whether the repository is enrolled and its owner is not. It may then ask only for itself."""
        return self.orgs is not None and repository.owner not in self.orgs and repository in self.per_repo_repos
