"""Define the claimant that an OIDC token names, and the caller that an installation token is requested for.

==============  ===================================================================  ===========================
type            what it is                                                           who makes it
==============  ===================================================================  ===========================
Claimant        what a token's claims name: a WorkflowCaller or a Job                see these two
WorkflowCaller  a workflow of GitHub Actions, whose token names its repository       policy/claims.py
Job             a job of another CI system, without a repository on GitHub           policy/kinds/
JobCaller       a job that matched an entry of CALLERS, with the entry's repository  policy/caller_rules.py
Caller          a WorkflowCaller or a JobCaller: it has a repository                 no module: their base class
==============  ===================================================================  ===========================

These values prove nothing: a token is genuine only inside GenuineClaims, which verify/ makes. Rules about workflows
take a WorkflowCaller, the match with CALLERS takes a Job, and every later rule takes a Caller.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mintcore.policy.caller_entry import CallerEntry
    from mintcore.policy.names import Org, Repo
    from mintcore.policy.workflow_ref import WorkflowRef


def _no_claims() -> Mapping[str, str]:
    return MappingProxyType({})


class Run(NamedTuple):
    """Details of a workflow's run for the audit log; a field is empty if the claim is missing."""

    repository_id: str = ""
    owner_id: str = ""
    run_id: str = ""
    run_attempt: str = ""
    actor: str = ""
    actor_id: str = ""
    event: str = ""
    ref: str = ""
    sha: str = ""
    top_workflow_ref: str = ""
    workflow_sha: str = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """The repository that a token is requested for, with the claims of the request's OIDC token. Base class.

    ``claims`` holds every claim that is a string, a number or a boolean, as text. ``token_id`` is the ``jti``,
    empty if the token has none. ``expires_at`` is in seconds since the epoch. ``issuer`` is the issuer's name in
    ISSUERS, empty for OIDC_ISSUER_URL. ``owner_id`` is GitHub's id of the owner, empty if unknown: a workflow's
    token claims it, a job's comes from ENROLLED_IDS.
    """

    repository: Repo
    claims: Mapping[str, str] = field(default_factory=_no_claims, repr=False, hash=False, kw_only=True)
    token_id: str = field(default="", kw_only=True)
    expires_at: float = field(default=0.0, kw_only=True)
    issuer: str = field(default="", kw_only=True)
    owner_id: str = field(default="", kw_only=True)

    @property
    def org(self) -> Org:
        """The owner of the repository."""
        return self.repository.owner


@final
@dataclass(frozen=True, slots=True)
class WorkflowCaller(Caller):
    """A workflow of GitHub Actions. It asks for the repository that its token names.

    ``workflow`` is ``None`` if ``workflow_text`` is not a workflow reference; ``workflow_problem`` then says why.
    """

    workflow_text: str
    workflow: WorkflowRef | None
    workflow_problem: str
    run: Run


@final
class Job(NamedTuple):
    """A job of another CI system. It has no repository on GitHub.

    ``project`` is the project's path as the system writes it. ``project_id`` is the id that stays after a rename,
    empty if the token has none. ``ref_protected`` is ``true`` or ``false``, empty if the system does not say.
    ``pipeline`` names the pipeline's definition. ``claims`` also has nested claims, under their path.
    """

    issuer: str
    kind: str
    project: str
    project_id: str = ""
    ref: str = ""
    ref_protected: str = ""
    pipeline: str = ""
    run_id: str = ""
    actor: str = ""
    claims: Mapping[str, str] = MappingProxyType({})
    token_id: str = ""
    expires_at: float = 0.0

    def __repr__(self) -> str:
        """Show the job's name without its claims."""
        return f"Job({self.issuer}: {self.project} {self.project_id})"


@final
@dataclass(frozen=True, slots=True)
class JobCaller(Caller):
    """A job of another CI system, which acts for the repository of the entry in CALLERS that it matches."""

    job: Job
    entry: CallerEntry


Claimant = WorkflowCaller | Job
"""The workflow or job in a token's claims, before policy decides for which repository it may ask."""
