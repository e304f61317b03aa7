"""Explain Google's refusals to the operator: what happened, and the fix.

Google's errors are AIP-193: a canonical status, a sentence, and details such as ErrorInfo and PreconditionFailure.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fullsend.operate.gcp import google_remedies
from fullsend.operate.gcp.error_details import details_of, named, plain, shown
from fullsend.operate.operate_errors import (
    AlreadyExists,
    ApiDisabled,
    Conflict,
    GoogleFailed,
    LoginExpired,
    MissingPermission,
    NotReady,
    NotThere,
    OperateError,
    QuotaExceeded,
)

if TYPE_CHECKING:
    from fullsend.operate.gcp.error_details import Detail

LOG_IN = "Log in again: gcloud auth application-default login"
_SECONDS = re.compile(r"([0-9]+(?:\.[0-9]+)?)s")
_NOT_VISIBLE_YET = re.compile(r"service account .{0,200}(?:does not exist|not found)", re.IGNORECASE | re.DOTALL)
UNEXPLAINED = "Precondition check failed."
"""All that Google answers to the slower of two commands that create or restore the same resource."""
BAD_REQUEST = 400
UNAUTHENTICATED = 401
FORBIDDEN = 403
NOT_FOUND = 404
CONFLICT = 409
TOO_MANY = 429
SERVER_ERROR = 500
UNAVAILABLE = (408, 425, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error answer of Google's: HTTP status, canonical status, sentence, details."""

    http: int
    status: str = ""
    message: str = ""
    details: tuple[Detail, ...] = field(default=())
    retry_after: str = ""

    @property
    def reason(self) -> str:
        """ErrorInfo's reason, such as SERVICE_DISABLED; empty without one."""
        return str(named(self.details, "ErrorInfo").get("reason", ""))

    @property
    def disabled_api(self) -> str:
        """The API that the project has not enabled, if that is the reason."""
        if self.reason != "SERVICE_DISABLED":
            return ""
        return self._metadata("service")

    def _metadata(self, name: str) -> str:
        metadata = named(self.details, "ErrorInfo").get("metadata")
        return str(metadata.get(name, "")) if isinstance(metadata, dict) else ""

    @property
    def permission(self) -> str:
        """The missing permission, if Google names it."""
        listed = google_remedies.PERMISSION.findall(self._metadata("permission"))
        listed += [
            name for name in google_remedies.PERMISSION.findall(self.message) if google_remedies.role_for(name)
        ]
        return listed[0] if listed else ""

    @property
    def full_text(self) -> str:
        """Return everything that Google answered: the sentence, then a line per detail."""
        sentence = plain(self.message) or f"HTTP {self.http}, without a reason"
        return "\n  ".join([sentence, *(line for line in shown(self.details) if line != sentence)])

    @property
    def is_transient(self) -> bool:
        """Return whether the same call may succeed in a moment."""
        aborted = self.http == CONFLICT and self.status == "ABORTED"
        # Other services know a new service account only after some seconds.
        return self.http in {TOO_MANY, *UNAVAILABLE} or aborted or self.account_not_visible_yet

    @property
    def account_not_visible_yet(self) -> bool:
        """Whether Google answers that the named service account does not exist."""
        return self.http in {BAD_REQUEST, NOT_FOUND} and _NOT_VISIBLE_YET.search(self.message) is not None

    @property
    def wait_seconds(self) -> float:
        """The seconds that Google asks to wait; 0 without a value."""
        told = _SECONDS.fullmatch(str(named(self.details, "RetryInfo").get("retryDelay", "")))
        if told:
            return float(told[1])
        return float(self.retry_after[:6]) if self.retry_after.isdecimal() else 0.0


def read(http: int, body: bytes, retry_after: str = "") -> Refusal:
    """Return the refusal in an error answer; without Google's JSON it has only the status."""
    try:
        error = json.loads(body)["error"]
        status, message = str(error.get("status", "")), str(error.get("message", ""))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Refusal(http, retry_after=retry_after)
    return Refusal(http, status, message, details_of(error), retry_after)


def explain(
    refusal: Refusal, *, what: str, project: str, permission_hint: str, principal: str = ""
) -> OperateError:
    """Return the error for a refusal; `what` finishes "Google refused to …".

    `principal` is the IAM member whose call was refused, empty if unknown.
    """
    sentence = f"Google refused to {what}: {refusal.full_text}"
    if refusal.http == UNAUTHENTICATED:
        return LoginExpired(
            f"Google did not accept your login when asked to {what}; usually it has expired.", LOG_IN
        )
    policy = google_remedies.for_policy(f"{refusal.message} {refusal.full_text}", project)
    if refusal.http == FORBIDDEN and refusal.reason == "SERVICE_DISABLED":
        return ApiDisabled(sentence, google_remedies.enable_api(refusal.disabled_api, project))
    if refusal.http == FORBIDDEN:
        grant = google_remedies.grant(refusal.permission, permission_hint, project, principal)
        return MissingPermission(sentence, policy or grant)
    if refusal.http == TOO_MANY:
        return QuotaExceeded(sentence, _quota(refusal, project))
    return _other(refusal, sentence, policy)


def failed(error: object, *, what: str, project: str) -> NotReady:
    """Return the error for an operation that ended with a google.rpc.Status."""
    message = plain(str(error.get("message", ""))) if isinstance(error, dict) else ""
    lines = [message or "no reason given", *shown(details_of(error))]
    text = "\n  ".join(dict.fromkeys(lines))
    return NotReady(f"Google could not {what}: {text}", google_remedies.for_policy(text, project))


def _other(refusal: Refusal, sentence: str, policy: str) -> OperateError:
    if refusal.http == NOT_FOUND:
        return NotThere(sentence)
    if refusal.http == CONFLICT and refusal.status == "ALREADY_EXISTS":
        return AlreadyExists(sentence)
    stale = refusal.status == "FAILED_PRECONDITION" and "etag" in sentence.lower()
    if refusal.http == CONFLICT or stale:
        return Conflict(sentence, "Another operator is changing it at the same time. Run the command again.")
    if refusal.http >= SERVER_ERROR:
        return GoogleFailed(sentence, "Run the command again; https://status.cloud.google.com reports outages.")
    if refusal.status == "FAILED_PRECONDITION" and refusal.full_text == UNEXPLAINED:
        return GoogleFailed(
            sentence,
            policy
            or "Another command may be changing it at the same time. Wait until it has ended and run the "
            "command again.",
        )
    return GoogleFailed(sentence, policy)


def _quota(refusal: Refusal, project: str) -> str:
    wait = refusal.wait_seconds
    when = f"{wait:g} seconds" if wait else "a minute (most of these limits are per minute)"
    return (
        f"The call was repeated and still refused. Wait {when} and run the command again; it continues there.\n"
        f"https://console.cloud.google.com/iam-admin/quotas?project={project} shows the limits."
    )
