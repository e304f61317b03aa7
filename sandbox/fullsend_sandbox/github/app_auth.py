"""Verify App JWTs by GitHub's rules and GitHub's clock.

GitHub: "Generating a JSON Web Token (JWT) for a GitHub App", "Authenticating as a GitHub App". RS256 only;
`iss` the App ID or the client ID; `exp` at most ten minutes ahead; `iat` not in the future.
"""

from collections.abc import Mapping
from typing import Any

import jwt
from werkzeug.wrappers import Request

from fullsend_sandbox.clock import Clock
from fullsend_sandbox.github.answers import RefusedError
from fullsend_sandbox.github.apps import Apps
from fullsend_sandbox.github.state import App

MAX_SECONDS = 600
UNDECODABLE = "A JSON web token could not be decoded"
ISSUER = "'Issuer' claim ('iss') must be an Integer"
EXPIRED = (
    "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the "
    "assertion expires"
)
TOO_FAR = "'Expiration time' claim ('exp') is too far in the future"
ISSUED_AT = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"

# PyJWT checks only the signature: the service compares times with its own clock.
SIGNATURE_ONLY: Any = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
    "require": [],
}


class AppAuth:
    """Finds the App behind a request."""

    def __init__(self, apps: Apps, clock: Clock) -> None:
        self._apps = apps
        self._clock = clock

    def app(self, request: Request) -> App:
        """Return the calling App. Raises RefusedError: 401, or 404 for an App that does not exist."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise RefusedError(401, UNDECODABLE)
        try:
            unverified = jwt.decode(token.strip(), options={"verify_signature": False})
        except (jwt.PyJWTError, ValueError, RecursionError) as problem:
            raise RefusedError(401, UNDECODABLE) from problem
        issuer = unverified.get("iss")
        if isinstance(issuer, bool) or not isinstance(issuer, str | int):
            raise RefusedError(401, ISSUER)
        app = self._apps.by_issuer(issuer)
        if app is None:
            raise RefusedError(404, "Integration not found")
        self._check_times(_verified(token.strip(), app))
        return app

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now = self._clock()
        expires, issued = claims.get("exp"), claims.get("iat")
        if isinstance(expires, bool) or not isinstance(expires, int | float) or not expires > now:
            raise RefusedError(401, EXPIRED)
        if expires > now + MAX_SECONDS:
            raise RefusedError(401, TOO_FAR)
        if isinstance(issued, bool) or not isinstance(issued, int) or issued > now:
            raise RefusedError(401, ISSUED_AT)


def _verified(token: str, app: App) -> Mapping[str, Any]:
    """Return the claims if any of the App's keys made the signature."""
    for key in app.public_keys:
        try:
            claims: Mapping[str, Any] = jwt.decode(token, key, algorithms=["RS256"], options=SIGNATURE_ONLY)
        except (jwt.PyJWTError, ValueError, RecursionError):
            continue
        return claims
    raise RefusedError(401, UNDECODABLE)
