"""Apply GitHub's rules for every request: User-Agent, API version, limits, common headers.

GitHub REST: "Getting started with the REST API" (User-Agent required), "API Versions".
"""

import secrets
import threading

from werkzeug.wrappers import Request, Response

from fullsend_sandbox.github.answers import RefusedError
from fullsend_sandbox.github.limits import Limits
from fullsend_sandbox.github.user_tokens import UserTokens
from fullsend_sandbox.loopback import App

VERSIONS = ("2022-11-28", "2026-03-10")
NO_USER_AGENT = (
    "Request forbidden by administrative rules. Please make sure your request has a User-Agent header "
    "(https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required). "
    "Check https://developer.github.com for other possible causes.\n"
)


class Envelope:
    """Wraps the endpoints; one request at a time uses the state."""

    def __init__(
        self, endpoints: App, limits: Limits, user_tokens: UserTokens, lock: threading.RLock, prefix: str
    ) -> None:
        self._endpoints = endpoints
        self._limits = limits
        self._user_tokens = user_tokens
        self._lock = lock
        self._free = f"{prefix}/rate_limit"

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        if not request.headers.get("User-Agent", "").strip():
            # GitHub's front end rejects these before the API: plain text, without the API's headers.
            return Response(NO_USER_AGENT, status=403, content_type="text/html")
        with self._lock:
            try:
                self._admit(request)
                response = self._endpoints(request)
            except RefusedError as refused:
                response = refused.response()
            response.headers.update(self._limits.headers() | self._user_tokens.headers(request))
        response.headers["X-GitHub-Request-Id"] = ":".join(secrets.token_hex(2).upper() for _ in range(5))
        response.headers["X-GitHub-Media-Type"] = "github.v3; format=json"
        return response

    def _admit(self, request: Request) -> None:
        if request.path != self._free:  # reading the limit is free
            self._limits.spend()
        self._user_tokens.of(request)  # an invalid personal token is 401 on every path
        version = request.headers.get("X-GitHub-Api-Version")
        if version is None:
            return
        if version not in VERSIONS:
            raise RefusedError(400, "The X-GitHub-Api-Version is not a supported version.", "/about-the-rest-api")
