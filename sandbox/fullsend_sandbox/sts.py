"""Emulate Google's Security Token Service: `POST /v1/token`, RFC 8693 token exchange for federated tokens.

It decides whether a provider accepts a subject token. `wif.py` holds the providers and evaluates their conditions.
The order of checks and the error bodies follow Google's documentation.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from time import time
from typing import Any

import jwt
from werkzeug.wrappers import Request, Response

from fullsend_sandbox.clock import Clock
from fullsend_sandbox.google_errors import JSON, google_json, no_such_method
from fullsend_sandbox.loopback import LoopbackService
from fullsend_sandbox.routes import Routes
from fullsend_sandbox.signing import PublicKey, algorithm_of
from fullsend_sandbox.wif import CompiledProvider, Federation, MappingError

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a type's name
SUBJECT_TYPES = frozenset({"urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token"})
GCLOUD_CLIENT = "32555940559.apps.googleusercontent.com"
"""The OAuth client of the Google Cloud CLI."""
LIFETIME = 3600
MAX_TOKEN_LIFETIME = 24 * 3600
SKEW = 30
LATEST = 253402300799
"""The last second of the year 9999."""

IssuerKeys = Callable[[str], Mapping[str, PublicKey] | None]
"""Issuer URL to its public keys by key id, or to None if the issuer cannot be reached."""


@dataclass
class _RefusedError(Exception):
    error: str
    description: str
    status: int = 400


class SecurityTokenService(LoopbackService):
    """Exchanges subject tokens for federated access tokens."""

    def __init__(self, federation: Federation, issuer_keys: IssuerKeys, *, clock: Clock = time) -> None:
        routes = Routes([("POST", "/v1/token", self._exchange)], otherwise=no_such_method)
        super().__init__("sts", routes, clock=clock)
        self._federation = federation
        self._issuer_keys = issuer_keys

    def _exchange(self, request: Request) -> Response:
        try:
            fields = _fields(request)
            _check_request(request, fields)
            self._check_subject(fields)
        except _RefusedError as refused:
            body = {"error": refused.error, "error_description": refused.description}
            return Response(json.dumps(body), status=refused.status, content_type=JSON)
        return google_json(
            {
                "access_token": f"ya29.d.{secrets.token_urlsafe(96)}",
                "issued_token_type": ACCESS_TOKEN,
                "token_type": "Bearer",
                "expires_in": LIFETIME,
            }
        )

    def _check_subject(self, fields: Mapping[str, str]) -> None:
        compiled = self._federation.resolve(fields["audience"])
        if compiled is None:
            raise _RefusedError(
                "invalid_target",
                'The target service indicated by the "audience" parameters is invalid. This might either be '
                "because the pool or provider is disabled or deleted or because it doesn't exist.",
            )
        claims = self._signed_claims(fields["subject_token"], compiled)
        _check_times(claims, self.clock())
        _check_audience(claims, fields["audience"], compiled.provider.allowed_audiences)
        try:
            attributes = compiled.attributes(claims)
        except MappingError as problem:
            raise _RefusedError("invalid_request", str(problem)) from problem
        if not compiled.admits(claims, attributes):
            raise _RefusedError(
                "unauthorized_client", "The given credential is rejected by the attribute condition.", 401
            )

    def _signed_claims(self, token: str, compiled: CompiledProvider) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            unverified = jwt.decode(token, options={"verify_signature": False})
        except (jwt.PyJWTError, ValueError) as problem:
            raise _RefusedError("invalid_request", "Unable to parse the subject token as a JWT.") from problem
        expected = compiled.provider.issuer
        if unverified.get("iss") != expected:
            raise _RefusedError(
                "invalid_grant",
                f"The issuer in ID Token {unverified.get('iss')} does not match the expected ones: {expected}.",
            )
        keys = self._issuer_keys(expected) if compiled.uploaded_keys is None else compiled.uploaded_keys
        if keys is None:
            raise _RefusedError("invalid_grant", "Error connecting to the given credential's issuer.")
        key = keys.get(str(header.get("kid")))
        try:
            if key is None:
                raise _RefusedError("invalid_grant", "Unable to find a public key that matches the ID Token's kid.")
            # Times and audience are checked below, against the service's own clock.
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm_of(key)],
                options={"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False},
            )
        except (jwt.PyJWTError, ValueError) as problem:
            raise _RefusedError("invalid_grant", "Invalid ID Token signature.") from problem
        return claims


def _fields(request: Request) -> dict[str, str]:
    """Read the form or JSON; RFC 8693 names in snake case, Google's JSON in camel case as well."""
    if request.mimetype == "application/json":
        try:
            parsed = json.loads(request.get_data())
        except (ValueError, RecursionError) as problem:
            raise _RefusedError("invalid_request", "Invalid JSON payload received.") from problem
        if not isinstance(parsed, dict):
            raise _RefusedError("invalid_request", "Invalid JSON payload received.")
        return {_snake(name): value for name, value in parsed.items() if isinstance(value, str)}
    if request.mimetype == "application/x-www-form-urlencoded":
        return request.form.to_dict()
    raise _RefusedError("invalid_request", "The request body must be a form or JSON.")


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _check_request(request: Request, fields: Mapping[str, str]) -> None:
    if "Authorization" in request.headers:
        _check_client(request)
    for name in ("grant_type", "audience", "requested_token_type", "subject_token", "subject_token_type"):
        if not fields.get(name):
            raise _RefusedError("invalid_request", f"Missing required parameter: {name}")
    if fields["grant_type"] != GRANT:
        raise _RefusedError("unsupported_grant_type", "Invalid grant_type.")
    if fields["requested_token_type"] != ACCESS_TOKEN:
        raise _RefusedError("invalid_request", "Invalid requested_token_type.")
    if fields["subject_token_type"] not in SUBJECT_TYPES:
        raise _RefusedError("invalid_request", "Invalid subject_token_type.")


def _check_client(request: Request) -> None:
    """Check the client authentication of RFC 6749 §2.3.1, which gcloud sends; the client id is public."""
    given = request.authorization
    if given is None or given.type != "basic":
        raise _RefusedError("invalid_request", "The Authorization header must not be sent to this method.")
    if given.username != GCLOUD_CLIENT:
        raise _RefusedError("invalid_client", "The OAuth client was not found.", 401)


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    issued, expires = _seconds(claims, "iat"), _seconds(claims, "exp")
    if expires - issued > MAX_TOKEN_LIFETIME:
        raise _RefusedError("invalid_grant", "The ID Token's lifetime is more than 24 hours.")
    if issued > now + SKEW:
        raise _RefusedError("invalid_grant", f"ID Token issued at {_date(issued)} is in the future.")
    if expires < now - SKEW:
        raise _RefusedError("invalid_grant", f"ID Token issued at {_date(issued)} is stale to sign-in.")


def _seconds(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= LATEST:
        raise _RefusedError("invalid_grant", f"The ID Token must have a numeric {name} claim.")
    return float(value)


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _check_audience(claims: Mapping[str, Any], resource: str, allowed: tuple[str, ...]) -> None:
    audience = claims.get("aud")
    given = audience if isinstance(audience, list) else [audience]
    expected = allowed or (resource, f"https:{resource}")
    if not any(one in expected for one in given):
        raise _RefusedError(
            "invalid_grant",
            f"The audience in ID Token {given} does not match the expected audience {expected[0]}.",
        )
