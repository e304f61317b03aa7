"""Fetch and cache an issuer's keys, separately for each issuer.

PyJWT's client is not used: it fetches the keys again for every unknown key id, so an attacker could cause any
number of fetches. :mod:`mintcore.verify.key_sets` parses keys and checks signatures. It is imported only when the
first keys arrive, so the fetch starts before the cryptography libraries are imported.
"""

from __future__ import annotations

from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mintcore.cache import MAX_WAITING, ExpiringCache
from mintcore.errors import IssuerRefused, IssuerUnavailable
from mintcore.outbound.answer import OutboundError, RouteRefused, is_lasting
from mintcore.request import Deadline
from mintcore.verify.unverified import RS256_ONLY

if TYPE_CHECKING:
    from concurrent.futures import Future

    from mintcore.clock import Clock
    from mintcore.outbound.channel import Outbound
    from mintcore.ports import Helpers
    from mintcore.request import RequestContext
    from mintcore.verify.key_sets import KeySet
    from mintcore.verify.unverified import UnverifiedToken

FRESH_SECONDS = 3600.0
STALE_SECONDS = 24 * 3600.0
UNKNOWN_KEY_SECONDS = 30.0
# Long enough to spare an issuer that is down, short enough to notice its recovery.
HOLD_FAILURE_SECONDS = 5.0

# GitHub's key set below its issuer's URL (GitHub Docs: OpenID Connect reference).
_GITHUB_PATH = "/.well-known/jwks"

_OK = 200


class IssuerKeys:
    """The public keys of one issuer.

    A failure carries ``name``, or the URL of an issuer without a name. ``fetch_seconds`` limits one fetch, within
    the request's deadline. Keys up to ``renewed_seconds`` old are served while a thread of ``helpers`` fetches new
    ones. ``sets_clock`` tells whether its ``Date`` corrects the clock. While a fetch is in progress,
    ``max_waiting`` requests wait for it and others fail immediately. Attack: anyone can send tokens with any issuer
    and key id, and a hanging issuer must not occupy every thread. With ``like_github``, a helper requests the key
    set from GitHub's usual path while the discovery document is fetched. The answer counts only if the document
    names that path.
    """

    def __init__(
        self,
        issuer: str,
        outbound: Outbound,
        clock: Clock,
        *,
        fetch_seconds: float,
        name: str = "",
        renewed_seconds: float = 0.0,
        helpers: Helpers | None = None,
        algorithms: frozenset[str] = RS256_ONLY,
        sets_clock: bool = True,
        max_waiting: int = MAX_WAITING,
        like_github: bool = False,
    ) -> None:
        parts = urlsplit(issuer)
        self._issuer = issuer
        self._name = name or issuer
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._discovery_path = parts.path.rstrip("/") + "/.well-known/openid-configuration"
        self._early_path = parts.path.rstrip("/") + _GITHUB_PATH if like_github else ""
        self._helpers = helpers
        self._channel = outbound.channel("issuer", self._origin)
        self._clock = clock
        self._fetch_seconds = fetch_seconds
        self._algorithms = algorithms
        self._sets_clock = sets_clock
        self._keys = ExpiringCache[str, "KeySet"](
            "jwks",
            clock=clock,
            fresh_for=lambda _keys: FRESH_SECONDS,
            renew_for=lambda _keys: max(0.0, renewed_seconds - FRESH_SECONDS),
            stale_seconds=STALE_SECONDS,
            hold_failure_seconds=HOLD_FAILURE_SECONDS,
            max_entries=1,
            slow=lambda: IssuerUnavailable(
                detail=f"the issuer {issuer} has not yet answered a request for its keys", issuer=self._name
            ),
            max_waiting=max_waiting,
            helpers=helpers,
        )

    def load(self, context: RequestContext) -> KeySet:
        """Return the keys, fetched if they are not here. Raises IssuerUnavailable."""
        return self._keys.get(self._issuer, lambda: self._fetch(context), context, renew=self._fetch)

    def check_signature(self, unverified: UnverifiedToken, context: RequestContext) -> None:
        """Raise InvalidToken unless the issuer signed the token, IssuerUnavailable if that cannot be checked.

        An unknown key id fetches the keys again, but at most once in 30 s for all callers. So a rotated key is
        found immediately, and invented key ids cost nothing.
        """
        key = self.load(context).get(unverified.key_id)
        if key is None:
            keys = self._keys.renew(
                self._issuer, lambda: self._fetch(context), context, at_most_every=UNKNOWN_KEY_SECONDS
            )
            key = keys.get(unverified.key_id)
        from mintcore.verify.key_sets import require_signature  # noqa: PLC0415 - see the module's docstring

        require_signature(unverified, key)

    def _fetch(self, context: RequestContext) -> KeySet:
        deadline = Deadline(self._clock, min(self._fetch_seconds, context.deadline.remaining()))
        hurried = replace(context, deadline=deadline)
        try:
            early = self._ask_early(hurried)
            path = self._jwks_path(self._get(self._discovery_path, hurried))
            keys = _result(early, hurried) if early is not None and path == self._early_path else None
            if keys is None:
                keys = self._get(path, hurried)
            from mintcore.verify.key_sets import parse_key_set  # noqa: PLC0415 - see the module's docstring

            return parse_key_set(keys, self._algorithms)
        except (OutboundError, IssuerUnavailable) as error:
            why = error.detail if isinstance(error, IssuerUnavailable) else str(error)
            lasts = isinstance(error, IssuerRefused | RouteRefused)
            raise (IssuerRefused if lasts else IssuerUnavailable)(
                detail=f"the keys of the issuer {self._issuer} cannot be fetched: {why}", issuer=self._name
            ) from None

    def _ask_early(self, context: RequestContext) -> Future[dict[str, Any]] | None:
        if self._helpers is None or not self._early_path:
            return None
        # A context of its own, because two threads must not count calls in one.
        return self._helpers.start(partial(self._get, self._early_path, replace(context, upstream_calls={})))

    def _get(self, path: str, context: RequestContext) -> dict[str, Any]:
        answer = self._channel.send("GET", path, headers={"Accept": "application/json"}, context=context)
        if answer.status != _OK:
            kind = IssuerRefused if is_lasting(answer.status) else IssuerUnavailable
            raise kind(detail=f"{self._channel.service}: status {answer.status} for {path}")
        if self._sets_clock:
            self._clock.observe(answer.headers.get("date", ""), answer.headers.get("age", ""), cacheable=True)
        return answer.json_object()

    def _jwks_path(self, discovery: dict[str, Any]) -> str:
        """Return the key set's path. Reject another issuer's document, and a jwks_uri on another origin."""
        named, jwks_uri = discovery.get("issuer"), discovery.get("jwks_uri")
        if named != self._issuer:
            shown = repr(named)[:200]
            raise IssuerRefused(
                detail=f"the discovery document names the issuer {shown}. Fix: set the url to exactly the claim iss"
            )
        if isinstance(jwks_uri, str) and jwks_uri.startswith(f"{self._origin}/"):
            return jwks_uri.removeprefix(self._origin)
        shown = jwks_uri[:200] if isinstance(jwks_uri, str) else type(jwks_uri).__name__
        raise IssuerRefused(detail=f"jwks_uri is not on the issuer's origin {self._origin}: {shown}")


def _result(early: Future[dict[str, Any]], context: RequestContext) -> dict[str, Any] | None:
    """Return the early answer, ``None`` if there is no usable one: the key set is then fetched again."""
    try:
        answer = early.result(timeout=context.deadline.remaining())
    except (OutboundError, IssuerUnavailable, FutureTimeoutError):
        return None
    context.upstream_calls["issuer"] += 1
    return answer
