"""Whom the operator trusts: organizations, workflow files, and the repositories whose workflows may ask.

What is read together here makes one :class:`TrustPolicy`; what follows from it is decided in
:mod:`mintcore.policy`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mintcore.policy.names import Org, Repo, fold, parse_repo
from mintcore.policy.policy import TrustPolicy

if TYPE_CHECKING:
    from mintcore.policy.roles import RoleBook
    from mintcore.settings.reader import Reader

DEFAULT_HOST_REPO = "fullsend-ai/fullsend"


def read_trust(reader: Reader, roles: RoleBook) -> TrustPolicy:
    """Return whom to trust with ``roles``, noting every problem and warning on ``reader``."""
    orgs, public = _orgs(reader)
    return TrustPolicy(
        orgs=None if public else orgs,
        workflow_files=_workflow_files(reader, public=public),
        host_repos=_repos(reader, "WORKFLOW_HOST_REPOS") or frozenset({parse_repo(DEFAULT_HOST_REPO)}),
        per_repo_repos=_per_repo_repos(reader, public=public),
        roles=roles,
    )


def _orgs(reader: Reader) -> tuple[frozenset[Org], bool]:
    listed = reader.items("ALLOWED_ORGS")
    if "*" in listed:
        return frozenset(), True
    if not listed:
        reader.warn("ALLOWED_ORGS is empty: every request is denied")
    return frozenset(reader.parsed("ALLOWED_ORGS", listed, Org, "my-org,other-org")), False


def _workflow_files(reader: Reader, *, public: bool) -> frozenset[str] | None:
    listed = reader.items("ALLOWED_WORKFLOW_FILES")
    if "*" in listed:
        return None
    if not listed and not public:
        reader.warn("ALLOWED_WORKFLOW_FILES is not set: every request is denied; name the files, or set it to *")
    return frozenset(reader.parsed("ALLOWED_WORKFLOW_FILES", listed, _workflow_file, "triage.yml,coder.yml"))


def _workflow_file(name: str) -> str:
    if "/" in name or not name.endswith((".yml", ".yaml")):
        raise ValueError("a workflow file is named without its folder and ends in .yml or .yaml")
    return fold(name)


def _repos(reader: Reader, variable: str) -> frozenset[Repo]:
    return frozenset(reader.parsed(variable, reader.items(variable), parse_repo, "my-org/my-repo"))


def _per_repo_repos(reader: Reader, *, public: bool) -> frozenset[Repo]:
    listed = reader.items("PER_REPO_WIF_REPOS")
    if "*" in listed:
        reader.warn(
            "PER_REPO_WIF_REPOS has a *, which stands for no repository; list owner/repo, or leave it unset"
        )
    if listed and public:
        reader.warn("PER_REPO_WIF_REPOS is set in public mode, where a repository's own workflows are not trusted")
    named = [item for item in listed if item != "*"]
    return frozenset(reader.parsed("PER_REPO_WIF_REPOS", named, parse_repo, "my-org/my-repo"))
