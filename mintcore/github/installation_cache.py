"""Find a GitHub App's installation on an account, and cache it.

Installations change rarely, and GitHub's answers to token requests show when they do. So the cache keeps them for
hours, and serves an old one while it fetches the new one. The account's id is part of the key, because another
account can take over a name. An entry without the id is kept for minutes only.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from mintcore.cache import ExpiringCache
from mintcore.errors import AppNotInstalled, GitHubRateLimited, UpstreamTimeout
from mintcore.github.answers import parse_installation
from mintcore.github.budget import Budget
from mintcore.github.installed_accounts import InstalledAccounts
from mintcore.github.refusals import is_not_found, suspended

if TYPE_CHECKING:
    from mintcore.clock import Clock
    from mintcore.github.answers import Installation
    from mintcore.github.client import AppClient
    from mintcore.policy.decision import Target
    from mintcore.policy.names import Org
    from mintcore.policy.roles import App
    from mintcore.ports import Helpers
    from mintcore.request import RequestContext

# At one mint in 15 minutes, one look-up in six hours leaves the App's quota to the tokens (docs/adr/0041).
INSTALLED_SECONDS = 6 * 3600.0
RENEWED_SECONDS = 18 * 3600.0
NAME_ONLY_SECONDS = 600.0
NOT_INSTALLED_SECONDS = 15.0
# Anyone can own organizations without the App. Each costs two calls from the quota that all callers share.
MAX_MISSES = 30
MISSES_SECONDS = 60.0

_OK = 200


class InstallationKey(NamedTuple):
    """The cache key of an installation: App, organization, and the account's id if the claims have it."""

    app: App
    target: Target

    @property
    def org(self) -> Org:
        """The organization's name."""
        return self.target.org


class InstallationCache:
    """The installations of every App."""

    def __init__(self, client: AppClient, clock: Clock, helpers: Helpers | None) -> None:
        self._client = client
        # Look-ups in flight do not count yet, so the bound can be exceeded by the number of serving threads.
        self._misses = Budget["App"](clock, max_events=MAX_MISSES, seconds=MISSES_SECONDS)
        self._accounts = InstalledAccounts(client, clock)
        self._found = ExpiringCache[InstallationKey, "Installation | None"](
            "installation",
            clock=clock,
            fresh_for=_fresh_for,
            renew_for=lambda found: RENEWED_SECONDS if _fresh_for(found) == INSTALLED_SECONDS else 0.0,
            hold_failure_seconds=0.0,  # failures are not kept: each caller gets GitHub's own answer
            max_entries=10_000,
            slow=lambda: UpstreamTimeout(detail="waited for the installation until the time ran out"),
            helpers=helpers,
        )

    def get(self, key: InstallationKey, context: RequestContext) -> Installation:
        """Return the installation. Raises AppNotInstalled, InstallationSuspended, or as a call does."""
        found = self._found.get(
            key,
            lambda: self._look_up(key, context),
            context,
            renew=lambda own: self._look_up(key, own),
        )
        if found is None:
            raise self.not_installed(key, context)
        if found.suspended:
            raise suspended(key.org)
        return found

    def renew(self, key: InstallationKey, context: RequestContext, *, at_most_every: float) -> Installation | None:
        """Look the installation up again, at most once in ``at_most_every`` seconds. Raises as a call does."""
        load = partial(self._look_up, key, context)
        return self._found.renew(key, load, context, at_most_every=at_most_every)

    def drop_if(self, key: InstallationKey, installation: Installation) -> None:
        """Forget ``installation``, because GitHub's answer has shown that it is out of date."""
        self._found.drop_if(key, installation)

    def not_installed(self, key: InstallationKey, context: RequestContext) -> AppNotInstalled:
        """Return the failure for an account without the App."""
        page = self._client.install_page(key.app, context)
        where = f"at {page}" if page else "from the App's page on GitHub"
        return AppNotInstalled(
            f"The role's GitHub App (App ID {key.app.app_id}) is not installed on {key.org}. Fix: an owner "
            f"installs it {where}."
        )

    def _look_up(self, key: InstallationKey, context: RequestContext) -> Installation | None:
        """Ask for the organization's installation, then for the one of a user account of the same name."""
        app, org = key.app, key.org
        if not self._may_have(key, context):
            return None
        for kind in ("orgs", "users"):
            answer = self._client.call(app, "GET", f"/{kind}/{org}/installation", context)
            if answer.status == _OK:
                return parse_installation(answer, key.target)
            if not is_not_found(answer):
                raise self._client.refusal(answer, doing=f"finding the installation on {org}", org=org)
        self._misses.note(app)
        return None

    def _may_have(self, key: InstallationKey, context: RequestContext) -> bool:
        """Return whether a look-up is worth its calls. Raises GitHubRateLimited if the mint cannot tell.

        After too many look-ups without a result, the mint looks up only accounts in the list of installations. So
        organizations without the App do not delay those that have it.
        """
        wait = self._misses.wait(key.app)
        if not wait:
            return True
        listed = self._accounts.includes(key.app, key.org, context)
        if listed is None:
            raise GitHubRateLimited(
                "This mint has looked up too many organizations without the role's GitHub App; wait as long as "
                "Retry-After says.",
                detail=f"more than {MAX_MISSES} look-ups without an installation in {MISSES_SECONDS:.0f} s",
                retry_after=max(1, math.ceil(wait)),
            )
        return listed


def _fresh_for(found: Installation | None) -> float:
    if found is None or found.suspended:
        return NOT_INSTALLED_SECONDS
    return INSTALLED_SECONDS if found.owner_id else NAME_ONLY_SECONDS
