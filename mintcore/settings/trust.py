"""Read the trust settings: organizations, workflow files, and repositories whose workflows may mint.

It builds one :class:`~mintcore.policy.policy.TrustPolicy`; :mod:`mintcore.policy` decides by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mintcore.policy.names import Org, Repo, fold, parse_repo
from mintcore.policy.policy import TrustPolicy
from mintcore.settings.protections import (
    read_claims,
    read_default_level,
    read_grants,
    read_ids,
    read_refs,
    read_report_only,
    read_scopes,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mintcore.policy.caller_entry import CallerEntry
    from mintcore.policy.issuers import Issuer
    from mintcore.policy.roles import RoleBook
    from mintcore.settings.reader import Reader


def read_trust(reader: Reader, roles: RoleBook, issuers: Sequence[Issuer]) -> TrustPolicy:
    """Return the trust policy: who may mint which of ``roles``.

    ``reader`` collects problems and warnings.
    """
    orgs, public = _orgs(reader)
    scopes, default_scope, callers_scope = read_scopes(reader, roles)
    enrolled_orgs, enrolled_repos = read_ids(reader)
    with_callers = reader.is_set("ISSUERS") or reader.is_set("CALLERS")
    policy = TrustPolicy(
        orgs=None if public else orgs,
        workflow_files=_workflow_files(reader, public=public),
        host_repos=_repos(reader, "WORKFLOW_HOST_REPOS"),
        per_repo_repos=_per_repo_repos(reader, public=public),
        roles=roles,
        scopes=scopes,
        default_scope=default_scope,
        default_level=read_default_level(reader, roles),
        workflow_refs=read_refs(reader, public=public),
        required_claims=read_claims(reader),
        enrolled_orgs=enrolled_orgs,
        enrolled_repos=enrolled_repos,
        grants=read_grants(reader, roles),
        report_only=read_report_only(reader),
        callers=_callers(reader, issuers, roles) if with_callers else (),
        callers_scope=callers_scope,
    )
    if with_callers:
        _warn_of_callers(reader, issuers, policy)
    return policy


def _callers(reader: Reader, issuers: Sequence[Issuer], roles: RoleBook) -> tuple[CallerEntry, ...]:
    from mintcore.settings.callers import read_callers  # noqa: PLC0415 - most mints have none

    return read_callers(reader, issuers, roles)


def _warn_of_callers(reader: Reader, issuers: Sequence[Issuer], policy: TrustPolicy) -> None:
    from mintcore.settings.caller_advice import advise  # noqa: PLC0415 - most mints have none

    for advice in advise(issuers, policy, reader.is_set):
        reader.warn(advice.sentence)


def _orgs(reader: Reader) -> tuple[frozenset[Org], bool]:
    listed = reader.items("ALLOWED_ORGS")
    if not listed:
        reader.warn(
            "ALLOWED_ORGS is empty: every request is denied, except those of repositories in PER_REPO_WIF_REPOS"
        )
    # Items beside a * have no effect, but an invalid one is probably a mistake, so it is still a problem.
    orgs = reader.parsed("ALLOWED_ORGS", [item for item in listed if item != "*"], Org)
    return frozenset(orgs), "*" in listed


def _workflow_files(reader: Reader, *, public: bool) -> frozenset[str] | None:
    listed = reader.items("ALLOWED_WORKFLOW_FILES")
    files = reader.parsed("ALLOWED_WORKFLOW_FILES", [item for item in listed if item != "*"], _workflow_file)
    if "*" in listed:
        return None
    if not listed and not public:
        reader.warn(
            "ALLOWED_WORKFLOW_FILES is not set: every request is denied. Fix: name the files, or set it to *"
        )
    return frozenset(files)


def _workflow_file(name: str) -> str:
    if "/" in name or not name.endswith((".yml", ".yaml")):
        raise ValueError("a workflow file is written without its folder and ends in .yml or .yaml")
    if "*" in name or "@" in name or not name.isprintable():
        raise ValueError("a workflow file's name cannot contain *; an item that is only * trusts any file")
    return fold(name)


def _repos(reader: Reader, variable: str) -> frozenset[Repo]:
    return frozenset(reader.parsed(variable, reader.items(variable), parse_repo))


def _per_repo_repos(reader: Reader, *, public: bool) -> frozenset[Repo]:
    listed = reader.items("PER_REPO_WIF_REPOS")
    if "*" in listed:
        reader.warn("PER_REPO_WIF_REPOS has a *, which matches no repository. Fix: list owner/repo")
    if listed and public:
        reader.warn("PER_REPO_WIF_REPOS is set in public mode, which does not trust a repository's own workflows")
    named = [item for item in listed if item != "*"]
    return frozenset(reader.parsed("PER_REPO_WIF_REPOS", named, parse_repo))
