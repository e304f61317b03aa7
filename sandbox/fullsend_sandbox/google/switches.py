"""Hold the switches for tests: expired logins, missing permissions, exhausted quotas.

They are checked before any service sees a call, in the order of Google's front end.
"""

import threading
from fnmatch import fnmatchcase

from werkzeug.datastructures import Headers

from fullsend_sandbox.google.errors import RefusedError, error_info, permission_denied
from fullsend_sandbox.google.project import Project

ALWAYS_ENABLED = frozenset({"serviceusage.googleapis.com", "storage.googleapis.com"})
SIGN_IN = "https://developers.google.com/identity/sign-in/web/devconsole-project"
EXPECTED = "Expected OAuth 2 access token, login cookie or other valid authentication credential. See " + SIGN_IN
CLIENT_PROJECT = "764086051850"
"""The project of gcloud's own client, to which calls without a quota project are booked."""
RETRY_SECONDS = 1
ACT_AS = "iam.serviceAccounts.actAs"
"""Needed beside a method's own permission to run something as a service account."""


class Switches:
    """Thread-safe. A new project has no API enabled but the one that enables APIs."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._lock = threading.Lock()
        self._tokens: dict[str, bool] = {}
        self._denied: set[str] = set()
        self._limits: dict[str, int] = {}
        self.enabled: set[str] = set(ALWAYS_ENABLED)

    def admit(self, token: str, *, needs_quota_project: bool = False) -> None:
        """Accept an access token; a user's application-default login needs a quota project."""
        with self._lock:
            self._tokens[token] = needs_quota_project

    def expire(self) -> None:
        """Let every access token be expired."""
        with self._lock:
            self._tokens.clear()

    def deny(self, permission: str) -> None:
        """Take a permission away from the caller."""
        with self._lock:
            self._denied.add(permission)

    def allow(self, permission: str) -> None:
        """Grant it again."""
        with self._lock:
            self._denied.discard(permission)

    def limit(self, method: str, times: int) -> None:
        """Answer the next `times` calls of a method (id or glob) with 429; 0 ends it."""
        with self._lock:
            self._limits[method] = times

    def check_caller(self, headers: Headers, host: str) -> None:
        """Check bearer token and quota project. Raises RefusedError."""
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _unauthenticated(
                f"Request is missing required authentication credential. {EXPECTED}.", "CREDENTIALS_MISSING", host
            )
        with self._lock:
            needs_quota_project = self._tokens.get(token)
        if needs_quota_project is None:
            raise _unauthenticated(
                f"Request had invalid authentication credentials. {EXPECTED}.", "ACCESS_TOKEN_EXPIRED", host
            )
        quota_project = headers.get("x-goog-user-project", "")
        if not quota_project and needs_quota_project:
            raise self._no_quota_project(host)
        if quota_project and not self._project.is_named(quota_project):
            raise RefusedError(
                "PERMISSION_DENIED",
                f"Caller does not have required permission to use project {quota_project}. Grant the caller the "
                "roles/serviceusage.serviceUsageConsumer role, or a custom role with the "
                "serviceusage.services.use permission, by visiting "
                f"https://console.developers.google.com/iam-admin/iam/project?project={quota_project} and then "
                "retry. Propagation of the new permission may take a few minutes.",
                (error_info("USER_PROJECT_DENIED", "googleapis.com", consumer=f"projects/{quota_project}"),),
            )

    def check_enabled(self, host: str, title: str) -> None:
        """Check that the API is enabled. Raises RefusedError."""
        if host in self.enabled:
            return
        number = self._project.number
        page = f"https://console.developers.google.com/apis/api/{host}/overview?project={number}"
        raise RefusedError(
            "PERMISSION_DENIED",
            f"{title} has not been used in project {number} before or it is disabled. Enable it by visiting "
            f"{page} then retry. If you enabled this API recently, wait a few minutes for the action to "
            "propagate to our systems and retry.",
            (
                error_info(
                    "SERVICE_DISABLED",
                    "googleapis.com",
                    consumer=f"projects/{number}",
                    service=host,
                    serviceTitle=title,
                    activationUrl=page,
                ),
            ),
        )

    def check_quota(self, method: str, host: str) -> None:
        """Count the call against a limit in force. Raises RefusedError."""
        with self._lock:
            hit = next((k for k, left in self._limits.items() if left > 0 and fnmatchcase(method, k)), None)
            if hit is None:
                return
            self._limits[hit] -= 1
        consumer = f"project_number:{self._project.number}"
        info = error_info("RATE_LIMIT_EXCEEDED", "googleapis.com", service=host, consumer=consumer)
        raise RefusedError(
            "RESOURCE_EXHAUSTED",
            f"Quota exceeded for quota metric '{method}' and limit '{method} per minute' of service '{host}' "
            f"for consumer '{consumer}'.",
            (info, {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{RETRY_SECONDS}s"}),
            {"Retry-After": str(RETRY_SECONDS)},
        )

    def require(self, permission: str, host: str, resource: str) -> None:
        """Check that the caller has a permission. Raises RefusedError."""
        with self._lock:
            denied = permission in self._denied
        if denied:
            raise permission_denied(permission, host, resource)

    def _no_quota_project(self, host: str) -> RefusedError:
        info = error_info("SERVICE_DISABLED", "googleapis.com", consumer=f"projects/{CLIENT_PROJECT}", service=host)
        return RefusedError(
            "PERMISSION_DENIED",
            "Your application is authenticating by using local Application Default Credentials. The "
            f"{host} API requires a quota project, which is not set by default. To learn how to set your quota "
            "project, see https://cloud.google.com/docs/authentication/adc-troubleshooting/user-creds .",
            (info,),
        )


def _unauthenticated(message: str, reason: str, host: str) -> RefusedError:
    challenge = {"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/"'}
    return RefusedError(
        "UNAUTHENTICATED", message, (error_info(reason, "googleapis.com", service=host),), challenge
    )
