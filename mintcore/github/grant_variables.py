"""Read the Actions variable with which a repository or an organization grants a role.

The mint reads it with a token that has one permission and, for a repository, covers only that repository. A caller
learns little about a foreign target: "the App is not installed", "no such repository" and "no such variable" all
give an empty value.
"""

from __future__ import annotations

from dataclasses import dataclass
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
from mintcore.policy.grants import grants_to
from mintcore.policy.names import Org, RepoName
from mintcore.request import Scope

if TYPE_CHECKING:
    from mintcore.clock import Clock
    from mintcore.github.installations import GitHubTokens
    from mintcore.github.lookup_limits import LookupLimits
    from mintcore.outbound.answer import Answer
    from mintcore.outbound.channel import Channel
    from mintcore.policy.caller import Caller
    from mintcore.policy.decision import GrantQuestion
    from mintcore.policy.names import Repo
    from mintcore.policy.roles import App
    from mintcore.request import RequestContext

GRANT_SECONDS = 60.0
REPOSITORY_PERMISSION = "actions_variables"
ORGANIZATION_PERMISSION = "organization_actions_variables"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a target keeps its variables, and what a token needs to read them."""

    org: Org
    repos: tuple[RepoName, ...]
    permission: str
    path: str


class GrantVariables:
    """Reads grants; a :class:`~mintcore.ports.GrantLookup`."""

    def __init__(self, channel: Channel, tokens: GitHubTokens, clock: Clock, limits: LookupLimits) -> None:
        self._channel = channel
        self._tokens = tokens
        self._clock = clock
        self._values = BoundedLookups[str]("grant", clock, limits, lambda _value: GRANT_SECONDS)

    def variable(self, app: App, question: GrantQuestion, caller: Caller, context: RequestContext) -> str:
        """Return the variable's value, empty if nothing is granted. Raises as GrantLookup does."""
        return self._values.get(
            Lookup(app, question),
            caller,
            lambda: self._read(app, question, context),
            context,
            gained=lambda value: grants_to(value, caller.repository),
            about=_about(question),
        )

    def known(self, app: App, question: GrantQuestion, caller: Caller) -> str | None:
        """Return the value if it is cached; see GrantLookup."""
        return self._values.known(Lookup(app, question), caller, about=_about(question))

    def _read(self, app: App, question: GrantQuestion, context: RequestContext) -> str:
        place = _place(question.target)
        try:
            # Checked first, for every repository: the error for a missing permission must not show which
            # repositories exist.
            self._require_permission(app, place, context)
            scope = Scope(MappingProxyType({place.permission: "read"}), place.repos)
            token = self._tokens.issue(app, Target(place.org), scope, context).token
        except (AppNotInstalled, InstallationSuspended, ReposNotAccessible):
            return ""
        probe = f"{place.path}?per_page=1"
        reader = TokenReader(self._channel, self._clock, token, probe=probe, context=context)
        answer = reader.find(
            f"{place.path}/{quote(question.variable, safe='')}",
            doing=f"reading {question.variable} of {question.target}",
            org=place.org,
        )
        return "" if answer is None else _value(answer, question.variable)

    def _require_permission(self, app: App, place: _Place, context: RequestContext) -> None:
        target = Target(place.org)
        if not self._tokens.accepts(app, target, place.permission, context, at_most_every=GRANT_SECONDS):
            raise PermissionsNotGranted(
                f"The role's GitHub App lacks {place.permission}:read on {place.org}, which the mint needs to read "
                f"grants. Fix: add it to the App; then an owner of {place.org} accepts it in the settings of "
                f"{place.org} under 'GitHub Apps'."
            )


def _about(question: GrantQuestion) -> str:
    return f"the grants of {question.target}"


def _place(target: Org | Repo) -> _Place:
    if isinstance(target, Org):
        return _Place(target, (), ORGANIZATION_PERMISSION, f"/orgs/{target}/actions/variables")
    repos = (RepoName(target.name),)
    return _Place(target.owner, repos, REPOSITORY_PERMISSION, f"/repos/{target}/actions/variables")


def _value(answer: Answer, variable: str) -> str:
    """Return the value (GitHub REST: Get a repository variable). Raises GitHubUnavailable."""
    try:
        found = answer.json_object()
        name, value = found["name"], found["value"]
    except (Unusable, KeyError) as error:
        raise GitHubUnavailable(detail=f"a malformed variable: {type(error).__name__}") from None
    if not isinstance(value, str) or not isinstance(name, str) or name.upper() != variable:
        raise GitHubUnavailable(detail="GitHub answered with another variable")
    return value
