"""Emulate Google's token endpoint: exchange a service account's assertion for an access token.

RFC 7523. So a command in a separate process can use a file of `write_credentials`, named by
`GOOGLE_APPLICATION_CREDENTIALS`.
"""

import json
import secrets
from functools import cached_property
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from werkzeug.wrappers import Request, Response

from fullsend_sandbox.clock import Clock
from fullsend_sandbox.google.project import Project
from fullsend_sandbox.google.switches import Switches
from fullsend_sandbox.google_errors import JSON, google_json
from fullsend_sandbox.keys import new_key, pem
from fullsend_sandbox.loopback import LoopbackService

OPERATOR = "operator"
LIFETIME = 3600
GOOGLE = "https://oauth2.googleapis.com/token"
"""The audience of such an assertion, wherever it is sent."""
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class Login(LoopbackService):
    """The operator's sign-in."""

    def __init__(self, project: Project, switches: Switches, *, clock: Clock) -> None:
        super().__init__("google-oauth2", self._ask, clock=clock)
        self._project = project
        self._switches = switches
        self.email = f"{OPERATOR}@{project.id}.iam.gserviceaccount.com"

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return new_key()  # takes a tenth of a second, and few need it

    def access_token(self, *, of_user: bool = False) -> str:
        """Return a new access token: of a service account, or of a user's application-default login."""
        token = f"ya29.{secrets.token_urlsafe(48)}"
        self._switches.admit(token, needs_quota_project=of_user)
        return token

    def write_credentials(self, path: Path) -> None:
        """Write application-default credentials, readable only by their owner."""
        credentials = {
            "type": "service_account",
            "project_id": self._project.id,
            "quota_project_id": self._project.id,
            "private_key_id": "sandbox",
            "private_key": pem(self._key).decode(),
            "client_email": self.email,
            "client_id": "1",
            "token_uri": f"{self.url}/token",
        }
        path.touch(mode=0o600)
        path.write_text(json.dumps(credentials))

    def _ask(self, request: Request) -> Response:
        if request.method != "POST" or request.path != "/token":
            return _refusal(404, "not_found", "The sandbox's sign-in answers POST /token.")
        if request.form.get("grant_type") != GRANT:
            return _refusal(400, "unsupported_grant_type", f"Invalid grant_type; expected {GRANT}.")
        try:
            claims = jwt.decode(
                request.form.get("assertion", ""),
                self._key.public_key(),
                algorithms=["RS256"],
                audience=[GOOGLE, f"{self.url}/token"],
                options={"verify_iat": False, "verify_exp": False},
            )
        except (jwt.PyJWTError, ValueError):
            return _refusal(400, "invalid_grant", "Invalid JWT Signature.")
        if claims.get("iss") != self.email:
            return _refusal(400, "invalid_grant", "Invalid grant: account not found")
        return google_json({"access_token": self.access_token(), "expires_in": LIFETIME, "token_type": "Bearer"})


def _refusal(status: int, error: str, description: str) -> Response:
    body = json.dumps({"error": error, "error_description": description})
    return Response(body, status=status, content_type=JSON)
