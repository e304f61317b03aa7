"""What a refusal of Google's means for an operator, and how to fix it.

Google's errors are AIP-193: a canonical status, a sentence, and details such as ErrorInfo and RetryInfo.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fullsend.operate.gcp.endpoints import LOG_IN
from fullsend.operate.operate_errors import (
    AlreadyExists,
    ApiDisabled,
    Conflict,
    GoogleFailed,
    LoginExpired,
    MissingPermission,
    NotThere,
    OperateError,
    QuotaExceeded,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_SENTENCE = 600
_PERMISSION = re.compile(r"\b([a-z][a-zA-Z]+\.[a-zA-Z]+\.[a-zA-Z]+)\b")
_SECONDS = re.compile(r"([0-9]+(?:\.[0-9]+)?)s")
_NOT_VISIBLE_YET = re.compile(r"service account .{0,200}(?:does not exist|not found)", re.IGNORECASE | re.DOTALL)
BAD_REQUEST = 400
UNAUTHENTICATED = 401
FORBIDDEN = 403
NOT_FOUND = 404
CONFLICT = 409
TOO_MANY = 429
SERVER_ERROR = 500
UNAVAILABLE = (502, 503, 504)

# The narrowest predefined role that has the permission; the first prefix that fits counts.
_ROLES = (
    ("iam.serviceAccounts.actAs", "roles/iam.serviceAccountUser"),
    ("iam.serviceAccounts.", "roles/iam.serviceAccountAdmin"),
    ("iam.workloadIdentityPool", "roles/iam.workloadIdentityPoolAdmin"),
    ("secretmanager.versions.access", "roles/secretmanager.secretAccessor"),
    ("secretmanager.", "roles/secretmanager.admin"),
    ("cloudkms.", "roles/cloudkms.admin"),
    ("cloudfunctions.", "roles/cloudfunctions.developer"),
    ("run.", "roles/run.admin"),
    ("serviceusage.services.use", "roles/serviceusage.serviceUsageConsumer"),
    ("serviceusage.services.list", "roles/serviceusage.serviceUsageViewer"),
    ("serviceusage.services.get", "roles/serviceusage.serviceUsageViewer"),
    ("serviceusage.", "roles/serviceusage.serviceUsageAdmin"),
    ("resourcemanager.projects.setIamPolicy", "roles/resourcemanager.projectIamAdmin"),
    ("resourcemanager.projects.getIamPolicy", "roles/resourcemanager.projectIamAdmin"),
    ("resourcemanager.", "roles/browser"),
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error answer of Google's: HTTP status, canonical status, sentence, details by type's last word."""

    http: int
    status: str = ""
    message: str = ""
    details: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    retry_after: str = ""

    @property
    def reason(self) -> str:
        """ErrorInfo's reason, such as SERVICE_DISABLED; empty when there is none."""
        return str(self.details.get("ErrorInfo", {}).get("reason", ""))

    @property
    def disabled_api(self) -> str:
        """The API that the project has not enabled, if that is the reason."""
        if self.reason != "SERVICE_DISABLED":
            return ""
        return str(self.details["ErrorInfo"].get("metadata", {}).get("service", ""))

    @property
    def passing(self) -> bool:
        """Whether the same call may succeed in a moment."""
        aborted = self.http == CONFLICT and self.status == "ABORTED"
        # A new service account takes seconds to be known to the services that are told of it.
        return self.http in {TOO_MANY, *UNAVAILABLE} or aborted or self.account_unknown_yet

    @property
    def account_unknown_yet(self) -> bool:
        """Whether Google says that a service account that is referred to does not exist."""
        return self.http in {BAD_REQUEST, NOT_FOUND} and _NOT_VISIBLE_YET.search(self.message) is not None

    @property
    def wait_seconds(self) -> float:
        """How long Google asks to wait; 0 when it does not say."""
        told = _SECONDS.fullmatch(str(self.details.get("RetryInfo", {}).get("retryDelay", "")))
        if told:
            return float(told[1])
        return float(self.retry_after[:6]) if self.retry_after.isdecimal() else 0.0


def read(http: int, body: bytes, retry_after: str = "") -> Refusal:
    """Return the refusal in an error answer; a body that is not Google's JSON gives the status alone."""
    try:
        error = json.loads(body)["error"]
        details = error.get("details", [])
        by_type = {str(one.get("@type", "")).rpartition(".")[2]: one for one in details if isinstance(one, dict)}
        return Refusal(http, str(error.get("status", "")), str(error.get("message", "")), by_type, retry_after)
    except (ValueError, KeyError, TypeError, AttributeError):
        return Refusal(http, retry_after=retry_after)


def explain(refusal: Refusal, *, what: str, project: str, permission_hint: str) -> OperateError:
    """Return the error for a refusal; `what` is the thing that was being done, in the operator's words."""
    said = " ".join(refusal.message.split())[:MAX_SENTENCE] or f"HTTP {refusal.http}, without a reason"
    sentence = f"Google refused to {what}: {said}"
    if refusal.http == UNAUTHENTICATED:
        return LoginExpired(
            f"Google did not accept your login when asked to {what}; it has usually expired.", LOG_IN
        )
    if refusal.http == FORBIDDEN:
        return _forbidden(refusal, sentence, project, permission_hint)
    if refusal.http == TOO_MANY:
        return QuotaExceeded(sentence, _quota(refusal, project))
    return _other(refusal, sentence)


def _forbidden(refusal: Refusal, sentence: str, project: str, permission_hint: str) -> OperateError:
    if refusal.reason != "SERVICE_DISABLED":
        return MissingPermission(sentence, _grant(refusal, project, permission_hint))
    remedy = f"gcloud services enable {refusal.disabled_api or 'NAME.googleapis.com'} --project {project}"
    return ApiDisabled(sentence, f"{remedy}\nA newly enabled API takes up to a few minutes to work.")


def _other(refusal: Refusal, sentence: str) -> OperateError:
    if refusal.http == NOT_FOUND:
        return NotThere(sentence)
    if refusal.http == CONFLICT and refusal.status == "ALREADY_EXISTS":
        return AlreadyExists(sentence)
    stale = refusal.status == "FAILED_PRECONDITION" and "etag" in sentence.lower()
    if refusal.http == CONFLICT or stale:
        return Conflict(sentence, "Somebody else changes it at the same time. Run the command again.")
    if refusal.http >= SERVER_ERROR:
        return GoogleFailed(sentence, "Run the command again; https://status.cloud.google.com tells of outages.")
    return GoogleFailed(sentence)


def _grant(refusal: Refusal, project: str, hint: str) -> str:
    metadata = refusal.details.get("ErrorInfo", {}).get("metadata", {})
    named = _PERMISSION.findall(str(metadata.get("permission", ""))) or [
        name for name in _PERMISSION.findall(refusal.message) if role_for(name)
    ]
    what = f"The permission {named[0]}" if named else "A permission"
    role = role_for(named[0] if named else _as_permission(hint)) or "roles/owner"
    return (
        f"{what} is missing; the role {role} has it:\n"
        f"  gcloud projects add-iam-policy-binding {project} --member=user:$(gcloud config get account) "
        f"--role={role}\nSomebody who may change the project's IAM policy has to run this; it works after a minute."
    )


def _as_permission(method: str) -> str:
    """Return about which permission a method takes: `iam.projects.serviceAccounts.get` has the resource inside."""
    api, *path = [part for part in method.split(".") if part not in {"projects", "locations"}]
    return ".".join([api, *("workloadIdentityPools" if part == "providers" else part for part in path)])


def role_for(permission: str) -> str:
    """Return the predefined role to grant for a permission; empty for one that is not known here."""
    return next((role for prefix, role in _ROLES if permission.startswith(prefix)), "")


def _quota(refusal: Refusal, project: str) -> str:
    wait = refusal.wait_seconds
    when = f"{wait:g} seconds" if wait else "a minute (most of these limits are per minute)"
    return (
        f"The call was repeated and still refused. Wait {when} and run the command again; it goes on from there.\n"
        f"https://console.cloud.google.com/iam-admin/quotas?project={project} shows the limits."
    )
