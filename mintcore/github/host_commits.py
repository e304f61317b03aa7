"""Ask GitHub whether a workflow host contains a commit.

GitHub shows a fork's commits under the parent's name, so "the commit exists" proves nothing. A commit counts only
as an ancestor of one of the host's own branches or tags, or as its tip.
"""

from __future__ import annotations

import math
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import quote

from mintcore.errors import (
    AppNotInstalled,
    GitHubUnavailable,
    InstallationSuspended,
    PermissionsNotGranted,
    ReposNotAccessible,
)
from mintcore.github.bounded_lookups import BoundedLookups
from mintcore.github.lookup_limits import Lookup
from mintcore.github.token_reader import TokenReader
from mintcore.outbound.answer import Unusable
from mintcore.policy.decision import Target
from mintcore.policy.names import RepoName
from mintcore.request import Scope

if TYPE_CHECKING:
    from mintcore.clock import Clock
    from mintcore.github.installations import GitHubTokens
    from mintcore.github.lookup_limits import LookupLimits
    from mintcore.outbound.answer import Answer
    from mintcore.outbound.channel import Channel
    from mintcore.policy.caller import Caller
    from mintcore.policy.decision import CommitQuestion
    from mintcore.policy.roles import App
    from mintcore.request import RequestContext
    from mintcore.secret import Secret

NOT_CONTAINED_SECONDS = 60.0

_READ_HOST = MappingProxyType({"contents": "read"})
_READ_PUBLIC = MappingProxyType({"metadata": "read"})
_CONTAINED = {"ahead", "identical"}
_RELATIONS = _CONTAINED | {"behind", "diverged"}


class _Found(Enum):
    CONTAINED = "contained"
    NOT_CONTAINED = "not contained"
    UNREADABLE = "the host is private, and the App has no access to it"


class HostCommits:
    """Compares commits with a host's branches and tags. A :class:`~mintcore.ports.CommitLookup`."""

    def __init__(self, channel: Channel, tokens: GitHubTokens, clock: Clock, limits: LookupLimits) -> None:
        self._channel = channel
        self._tokens = tokens
        self._clock = clock
        # A commit that was once an ancestor stays trusted after a force push: it was the host's own code.
        self._found = BoundedLookups["_Found"](
            "commit",
            clock,
            limits,
            lambda found: math.inf if found is _Found.CONTAINED else NOT_CONTAINED_SECONDS,
        )

    def contains(self, app: App, question: CommitQuestion, caller: Caller, context: RequestContext) -> bool:
        """Return whether the commit is in the host's own history. Raises as CommitLookup does."""
        own = Target(caller.org, caller.owner_id)
        found = self._found.get(
            Lookup(app, question),
            caller,
            lambda: self._compare(app, question, own, context),
            context,
            gained=lambda found: found is _Found.CONTAINED,
            about=_about(question),
        )
        if found is _Found.UNREADABLE:
            raise AppNotInstalled(
                f"The mint cannot read {question.host} to check the commit of the workflow; the role's GitHub App "
                f"(App ID {app.app_id}) must be installed on {question.host.owner} with access to it."
            )
        return found is _Found.CONTAINED

    def known(self, app: App, question: CommitQuestion, caller: Caller) -> bool | None:
        """Return the answer if it is cached; see CommitLookup."""
        found = self._found.known(Lookup(app, question), caller, about=_about(question))
        return None if found is None or found is _Found.UNREADABLE else found is _Found.CONTAINED

    def _compare(self, app: App, question: CommitQuestion, caller: Target, context: RequestContext) -> _Found:
        token = self._token(app, question, caller, context)
        host = f"/repos/{question.host}"
        reader = TokenReader(self._channel, self._clock, token, probe=host, context=context)
        for ref in question.refs:
            # The full ref: a tag and a branch may share a short name, and git prefers the tag. Page 2 of one
            # commit each leaves out the changed files, which can be megabytes.
            basehead = f"{question.commit}...{quote(ref, safe='/')}"
            answer = reader.find(
                f"{host}/compare/{basehead}?per_page=1&page=2",
                doing=f"comparing a commit of {question.host}",
                org=question.host.owner,
            )
            if answer is None and not reader.accepted:
                return _Found.UNREADABLE
            if answer is None:
                continue  # the commit or the ref does not exist, or they have no common ancestor
            if _relation(answer, question.commit) in _CONTAINED:
                return _Found.CONTAINED
        return _Found.NOT_CONTAINED

    def _token(self, app: App, question: CommitQuestion, caller: Target, context: RequestContext) -> Secret:
        """Return a token that can read the host: for the host's owner or, if the host is public, for the caller."""
        owner = Target(question.host.owner)
        scope = Scope(_READ_HOST, (RepoName(question.host.name),))
        try:
            return self._tokens.issue(app, owner, scope, context).token
        except (AppNotInstalled, InstallationSuspended, PermissionsNotGranted, ReposNotAccessible):
            return self._tokens.issue(app, caller, Scope(_READ_PUBLIC, ()), context).token


def _about(question: CommitQuestion) -> str:
    return f"the commit {question.commit} of {question.host}"


def _relation(answer: Answer, commit: str) -> str:
    """Return how the ref relates to the commit (GitHub REST: Compare two commits). Raises GitHubUnavailable."""
    try:
        found = answer.json_object()
        status, base = found["status"], found["base_commit"]["sha"]
    except (Unusable, KeyError, TypeError) as error:
        raise GitHubUnavailable(detail=f"a malformed comparison: {type(error).__name__}") from None
    if not isinstance(base, str) or base.lower() != commit or status not in _RELATIONS:
        raise GitHubUnavailable(detail="GitHub compared another commit, or answered with an unknown status")
    return str(status)
