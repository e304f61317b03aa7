"""Limit the look-ups that a caller can cause before it is allowed, because all callers share GitHub's limits.

GitHub allows an App about 180 token creations a minute, and each look-up creates one. An organization cannot repeat
a failed look-up within a minute, and its number of look-ups that allow nothing is limited. An exception: a caller
that the last answer allowed may repeat a failed look-up once without waiting. So neither a stranger nor a short
outage of GitHub delays it.
"""

from __future__ import annotations

import copy
import math
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from mintcore.errors import GitHubRateLimited, MintError, TransientError
from mintcore.github.budget import Budget
from mintcore.policy.decision import Target

if TYPE_CHECKING:
    from mintcore.clock import Clock
    from mintcore.policy.caller import Caller
    from mintcore.policy.decision import Question
    from mintcore.policy.names import Org, Repo
    from mintcore.policy.roles import App

K = TypeVar("K")
V = TypeVar("V")

SECONDS = 60.0
MAX_LOOKUPS = 500
"""Per calling organization: as many as one request can name."""
MAX_NEEDLESS = 30
"""Look-ups that allowed the caller nothing, per calling organization. Those in flight do not count yet."""
MAX_NEEDLESS_OF_APP = 90
"""The same for all callers of an App: half of GitHub's limit stays for tokens."""

_MAX_KEYS = 10_000


class Lookup(NamedTuple):
    """One look-up: the question, and the App that asks it."""

    app: App
    question: Question


class _Failed(NamedTuple):
    until: float
    failure: MintError


class LookupLimits:
    """Counts the look-ups of an App's grants, commits and ids together; thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        # Attack: another account with the same name must not block the enrolled one, so the key has the account's
        # id.
        self._failed: OrderedDict[tuple[Target, Lookup], _Failed] = OrderedDict()
        self._gained: OrderedDict[tuple[Repo, Lookup], None] = OrderedDict()
        self._all = Budget["Org"](clock, max_events=MAX_LOOKUPS, seconds=SECONDS)
        self._needless = Budget["Org"](clock, max_events=MAX_NEEDLESS, seconds=SECONDS)
        self._needless_of_app = Budget["App"](clock, max_events=MAX_NEEDLESS_OF_APP, seconds=SECONDS)

    def admit(self, lookup: Lookup, caller: Caller, about: str) -> None:
        """Count a look-up that is about to start; ``about`` names its subject in the error sentence.

        Raises the failure of the last look-up again, or GitHubRateLimited. Both carry the seconds to wait.
        """
        refusal = self._refusal(lookup, caller, about)
        if refusal is not None and not self._take_gained(lookup, caller.repository):
            raise refusal
        wait = self._all.spend(caller.org)
        if wait:
            raise _limited(caller.org, MAX_LOOKUPS, "look-ups", wait)

    def require(self, lookup: Lookup, caller: Caller, about: str) -> None:
        """Raise as :meth:`admit` would because of earlier look-ups; count nothing."""
        refusal = self._refusal(lookup, caller, about)
        if refusal is not None and (caller.repository, lookup) not in self._gained:
            raise refusal

    def failed(self, lookup: Lookup, caller: Caller, failure: MintError) -> None:
        """Note that a look-up for ``caller`` failed after a call to GitHub."""
        with self._lock:
            # A copy has no traceback, which would keep the failed request alive.
            until = self._clock.monotonic() + SECONDS
            _keep(self._failed, (_account(caller), lookup), _Failed(until, copy.copy(failure)))
        self._note_needless(lookup.app, caller.org)

    def answered(self, lookup: Lookup, caller: Caller, *, gained: bool, looked_up: bool) -> None:
        """Note whether an answer allows the caller's request, and whether a look-up for this caller fetched it."""
        key = (caller.repository, lookup)
        with self._lock:
            if gained:
                _keep(self._gained, key, None)
            else:
                self._gained.pop(key, None)
            if looked_up:
                self._failed.pop((_account(caller), lookup), None)
        if looked_up and not gained:
            self._note_needless(lookup.app, caller.org)

    def _note_needless(self, app: App, org: Org) -> None:
        self._needless.note(org)
        self._needless_of_app.note(app)

    def _take_gained(self, lookup: Lookup, repository: Repo) -> bool:
        """Return whether the last answer allowed the caller, and forget it."""
        with self._lock:
            key = (repository, lookup)
            known = key in self._gained
            self._gained.pop(key, None)
            return known

    def _refusal(self, lookup: Lookup, caller: Caller, about: str) -> MintError | None:
        return self._repeated(lookup, _account(caller), about) or self._too_many_needless(lookup.app, caller.org)

    def _repeated(self, lookup: Lookup, account: Target, about: str) -> MintError | None:
        """Return the failure of the organization's look-up within the last minute."""
        with self._lock:
            failed = self._failed.get((account, lookup))
            left = 0.0 if failed is None else failed.until - self._clock.monotonic()
            if failed is None or left <= 0:
                self._failed.pop((account, lookup), None)
                return None
        again = copy.copy(failed.failure)
        again.detail = f"no look-up, the last one failed: {failed.failure.detail}"
        if isinstance(again, TransientError):
            again.retry_after = max(math.ceil(left), again.retry_after or 0)
            again.public = f"{again.public} The mint asks GitHub about {about} again in {math.ceil(left)} s."
        return again

    def _too_many_needless(self, app: App, org: Org) -> MintError | None:
        wait = self._needless.wait(org)
        if wait:
            return _limited(org, MAX_NEEDLESS, "look-ups that failed or allowed nothing", wait)
        # Attack: many strangers must not block a new organization, so the first look-up of each is admitted.
        wait = self._needless_of_app.wait(app) if self._needless.count(org) else 0.0
        if not wait:
            return None
        return GitHubRateLimited(
            "The mint has made too many look-ups that failed or allowed nothing for the role's GitHub App; wait as "
            "long as Retry-After says.",
            detail=f"more than {MAX_NEEDLESS_OF_APP} needless look-ups in a minute for one App",
            retry_after=max(1, math.ceil(wait)),
        )


def _account(caller: Caller) -> Target:
    return Target(caller.org, caller.owner_id)


def _limited(org: Org, maximum: int, what: str, wait: float) -> GitHubRateLimited:
    return GitHubRateLimited(
        f"Jobs of {org} have caused more than {maximum} {what} within a minute; wait as long as Retry-After says.",
        detail=f"more than {maximum} {what} in a minute for {org}",
        retry_after=max(1, math.ceil(wait)),
    )


def _keep(kept: OrderedDict[K, V], key: K, value: V) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > _MAX_KEYS:
        kept.popitem(last=False)
