"""Make the App JWTs with which a GitHub App authenticates; each is reused for some minutes.

PyJWT encodes them. A :class:`~mintcore.ports.Signer` signs them, so the key can be in Cloud KMS, which never shows
it.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import jwt
from jwt.algorithms import Algorithm

from mintcore.cache import ExpiringCache
from mintcore.errors import KeyUnavailable, MintError
from mintcore.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable

    from mintcore.clock import Clock
    from mintcore.policy.names import Role
    from mintcore.policy.roles import App
    from mintcore.ports import Helpers, KeyStore, Signer
    from mintcore.request import RequestContext

# GitHub refuses an `exp` more than 10 minutes after its own clock and an `iat` in its future.
LIFETIME_SECONDS = 540
BACKDATED_SECONDS = 60
# A request after this time still gets the old JWT, while a helper signs a new one. A JWT is not used in its last
# minute.
RENEWED_SECONDS = 300.0
_LAST_USE_SECONDS = LIFETIME_SECONDS - 60.0
# The JWTs of an App without a request in this time are no longer renewed in advance.
USED_SECONDS = 3600.0


class AppJwts:
    """JWTs per App and version of its key, each reused for five minutes.

    ``helpers`` then renew it in the background, so a request seldom waits for a remote key store (Cloud KMS). While
    such a store fails, the old JWT is used until a minute before it expires.
    """

    def __init__(self, keys: KeyStore, clock: Clock, helpers: Helpers | None = None) -> None:
        self._keys = keys
        self._clock = clock
        self._used: dict[App, float] = {}
        self._jws = jwt.PyJWS(algorithms=[])
        self._jws.register_algorithm("RS256", _SignerAlgorithm())
        self._jwts = ExpiringCache[tuple["App", "Hashable"], Secret](
            "app_jwt",
            clock=clock,
            fresh_for=lambda _jwt: RENEWED_SECONDS,
            renew_for=lambda _jwt: _LAST_USE_SECONDS - RENEWED_SECONDS,
            stale_seconds=_LAST_USE_SECONDS,
            helpers=helpers,
            hold_failure_seconds=0.0,  # the key store caches its own failures
            max_entries=256,
            slow=lambda: KeyUnavailable(detail="waited for the App JWT until the time ran out"),
        )

    def assertion(self, app: App, context: RequestContext) -> Secret:
        """Return a JWT for ``app``. Raises RoleKeyMissing, KeyUnavailable or InvalidRoleKey."""
        self._used[app] = self._clock.monotonic()
        return self._current(app, context)

    def renew_used(self, roles: Collection[Role], context: RequestContext) -> None:
        """Renew the JWTs that are due, of Apps that have the keys of ``roles`` and were used in the last hour.

        Failures are ignored: the next request that still fails reports them.
        """
        since = self._clock.monotonic() - USED_SECONDS
        for app, used in list(self._used.items()):
            if used >= since and app.key_role in roles:
                with suppress(MintError):
                    self._current(app, context)

    def _current(self, app: App, context: RequestContext) -> Secret:
        key = (app, self._keys.key_version(app.key_role))

        def sign(own: RequestContext) -> Secret:
            return self._sign(app, self._keys.signer(app.key_role, own))

        return self._jwts.get(key, lambda: sign(context), context, renew=sign)

    def refused(self, app: App, assertion: Secret) -> bool:
        """Drop the JWT that GitHub refused, and read the key again: it may have been rotated.

        Return whether the next JWT is signed again, which it is not if another JWT is already here.
        """
        key = (app, self._keys.key_version(app.key_role))
        return self._jwts.drop_if(key, assertion, first=lambda: self._keys.forget(app.key_role))

    def correct_clock(self, date: str) -> bool:
        """Follow GitHub's ``Date``; tell whether the clock was off, which makes every JWT invalid."""
        corrected = self._clock.observe(date)
        if corrected:
            self._jwts.clear()
        return corrected

    def _sign(self, app: App, signer: Signer) -> Secret:
        """Return a fresh JWT (GitHub Docs: Generating a JSON Web Token (JWT) for a GitHub App)."""
        now = int(self._clock.now())
        claims = {"iss": app.app_id, "iat": now - BACKDATED_SECONDS, "exp": now + LIFETIME_SECONDS}
        payload = json.dumps(claims, separators=(",", ":")).encode()
        return Secret(self._jws.encode(payload, signer, algorithm="RS256"))  # type: ignore[arg-type]


class _SignerAlgorithm(Algorithm):
    """PyJWT's interface for RS256, with a Signer instead of a key."""

    def prepare_key(self, key: Any) -> Any:
        return key

    def sign(self, msg: bytes, key: Any) -> bytes:
        signature: bytes = key.sign(msg)
        return signature

    def verify(self, _msg: bytes, _key: Any, _sig: bytes) -> bool:
        return False

    @staticmethod
    def to_jwk(_key_obj: Any, as_dict: bool = False) -> Any:  # noqa: ARG004, FBT001, FBT002 - PyJWT's signature
        raise jwt.InvalidKeyError("a signer does not reveal its key")

    @staticmethod
    def from_jwk(_jwk: Any) -> Any:
        raise jwt.InvalidKeyError("a signer is not made from a JWK")
