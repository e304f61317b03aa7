"""Ask GitHub which ids a job's owner and repository have now, within the limits of look-ups.

An answer up to a minute old is used to deny, and to describe a caller in ``/v1/status``. It never allows a mint:
within seconds, a new repository can take over the name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mintcore.github.bounded_lookups import BoundedLookups
from mintcore.github.lookup_limits import Lookup
from mintcore.policy.decision import Ids, IdsQuestion
from mintcore.policy.enrolled_ids import denied

if TYPE_CHECKING:
    from mintcore.clock import Clock
    from mintcore.github.installations import GitHubTokens
    from mintcore.github.lookup_limits import LookupLimits
    from mintcore.policy.caller import Caller
    from mintcore.policy.decision import EnrolledIds
    from mintcore.policy.roles import App
    from mintcore.request import RequestContext

IDS_SECONDS = 60.0


class CurrentIds:
    """Compares ids; an :class:`~mintcore.ports.IdsLookup`."""

    def __init__(self, tokens: GitHubTokens, clock: Clock, limits: LookupLimits) -> None:
        self._tokens = tokens
        self._found = BoundedLookups["Ids"]("ids", clock, limits, lambda _found: IDS_SECONDS)

    def ids(self, app: App, enrolled: EnrolledIds, caller: Caller, context: RequestContext) -> Ids:
        """Return the ids as they were within the last minute. Raises as IdsLookup does."""
        return self._found.get(
            Lookup(app, IdsQuestion(enrolled)),
            caller,
            lambda: self._tokens.ids(app, enrolled, context),
            context,
            gained=lambda found: denied(enrolled, *found) is None,
            about=_about(enrolled),
        )

    def known(self, app: App, enrolled: EnrolledIds, caller: Caller) -> Ids | None:
        """Return the ids if they are cached; see IdsLookup."""
        return self._found.known(Lookup(app, IdsQuestion(enrolled)), caller, about=_about(enrolled))

    def current(self, app: App, enrolled: EnrolledIds, caller: Caller, context: RequestContext) -> Ids:
        """Return the ids as they are now. Raises as IdsLookup does."""
        load = lambda: self._tokens.ids(app, enrolled, context)  # noqa: E731 - two lines longer as a function
        return self._found.renew(Lookup(app, IdsQuestion(enrolled)), caller, load, context)


def _about(enrolled: EnrolledIds) -> str:
    return f"the id of {enrolled.repository}"
