"""Find the operator's credentials for Google: the headers of a call, and the account.

They are the application-default credentials, read by google-auth, or the access token in
`CLOUDSDK_AUTH_ACCESS_TOKEN`. Calls of google-auth also go through `fullsend.net`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import google.auth
import google.auth.exceptions
import google.auth.transport
from google.auth.credentials import AnonymousCredentials
from google.oauth2.credentials import Credentials

from fullsend.net.failures import NoAnswerError
from fullsend.operate.gcp import endpoints
from fullsend.operate.gcp.google_errors import LOG_IN
from fullsend.operate.operate_errors import LoginExpired

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.net.transport import Transport

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
SECONDS = 20.0
USER_INFO = "https://openidconnect.googleapis.com/v1/userinfo"
_SERVICE_ACCOUNT = ".gserviceaccount.com"


class _Response(google.auth.transport.Response):
    """An answer in the form that google-auth reads."""

    def __init__(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        self._parts = (status, headers, data)

    @property
    def status(self) -> int:
        return self._parts[0]

    @property
    def headers(self) -> Mapping[str, str]:
        return self._parts[1]

    @property
    def data(self) -> bytes:
        return self._parts[2]


@dataclass(frozen=True)
class AuthTransport(google.auth.transport.Request):
    """Sends google-auth's own requests through `fullsend.net`."""

    transport: Transport

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> _Response:
        """Send one request. Raises google-auth's TransportError, after which google-auth may retry."""
        data = body.encode() if isinstance(body, str) else body
        try:
            answer = self.transport.exchange(
                method, url, seconds=timeout or SECONDS, headers=dict(headers or {}), body=data
            )
        except NoAnswerError as error:
            raise google.auth.exceptions.TransportError(str(error)) from error
        return _Response(answer.status, answer.headers, answer.body)


@dataclass
class Login:
    """The operator's credentials, found at the first call. A user's calls count against the quota of `project`."""

    project: str
    environment: Mapping[str, str] = field(repr=False)
    transport: Transport = field(repr=False)
    _found: Any = field(default=None, repr=False)

    def headers(self, endpoint: str) -> dict[str, str]:
        """Return the headers for a call to an endpoint. Raises LoginExpired.

        An emulator gets only the credentials in its variable, never this machine's login.
        """
        credentials = self._credentials(endpoint)
        headers: dict[str, str] = {}
        try:
            # Not `before_request`: it also starts a daemon thread that looks up the account's allowed locations,
            # and the process crashes if it ends while that thread uses OpenSSL.
            if not credentials.valid:
                credentials.refresh(AuthTransport(self.transport))
            credentials.apply(headers)
        except google.auth.exceptions.GoogleAuthError as error:
            raise LoginExpired("Your Google login could not be renewed; usually it has expired.", LOG_IN) from error
        # http1 does not change the names of fields; google-auth writes `authorization`.
        return {name.title() if name == "authorization" else name: value for name, value in headers.items()}

    def _credentials(self, endpoint: str) -> Any:
        if self._found is not None:
            return self._found
        token = self.environment.get("CLOUDSDK_AUTH_ACCESS_TOKEN", "").strip()
        if token:
            # The token may be a user's, so it also needs a quota project.
            self._found = Credentials(token).with_quota_project(self.project)  # type: ignore[no-untyped-call,unused-ignore]
        elif endpoints.is_emulator(endpoint) and not self.environment.get("GOOGLE_APPLICATION_CREDENTIALS"):
            return AnonymousCredentials()  # type: ignore[no-untyped-call,unused-ignore]
        else:
            self._found = self._default()
        return self._found

    def _default(self) -> Any:
        try:
            found, _ = google.auth.default(scopes=[SCOPE], request=AuthTransport(self.transport))
        except google.auth.exceptions.GoogleAuthError as error:
            raise LoginExpired("This machine has no Google credentials.", LOG_IN) from error
        # A user's login belongs to one of Google's client projects; a service account belongs to its own project.
        return found.with_quota_project(self.project) if isinstance(found, Credentials) else found

    def principal(self) -> str:
        """Return the IAM member that makes the calls, empty if unknown."""
        credentials = self._found
        email = str(getattr(credentials, "service_account_email", "") or getattr(credentials, "account", "") or "")
        email = email or self.environment.get("CLOUDSDK_CORE_ACCOUNT", "").strip() or self._looked_up()
        if "@" not in email:
            return ""
        return f"{'serviceAccount' if email.endswith(_SERVICE_ACCOUNT) else 'user'}:{email}"

    def _looked_up(self) -> str:
        """Return a bare token's account, as Google reports it; the login of `gcloud auth` includes the scope."""
        token = getattr(self._found, "token", None)
        if not token or any(name.startswith(endpoints.PREFIX) for name in self.environment):
            return ""
        try:
            answer = self.transport.exchange("GET", USER_INFO, seconds=SECONDS, authorization=f"Bearer {token}")
            return str(answer.json_object().get("email", ""))
        except (NoAnswerError, ValueError):
            return ""
