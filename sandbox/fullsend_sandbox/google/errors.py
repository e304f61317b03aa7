"""Build the errors of Google's APIs: the canonical status, a sentence, and details for programs (AIP-193)."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.wrappers import Response

from fullsend_sandbox.google_errors import JSON, STATUS

UNIMPLEMENTED = 501
RPC_CODES = {
    "INVALID_ARGUMENT": 3,
    "DEADLINE_EXCEEDED": 4,
    "NOT_FOUND": 5,
    "ALREADY_EXISTS": 6,
    "PERMISSION_DENIED": 7,
    "RESOURCE_EXHAUSTED": 8,
    "FAILED_PRECONDITION": 9,
    "ABORTED": 10,
    "UNIMPLEMENTED": 12,
    "INTERNAL": 13,
    "UNAVAILABLE": 14,
    "UNAUTHENTICATED": 16,
}


@dataclass
class RefusedError(Exception):
    """What an API refuses; becomes an HTTP answer, or the error of an operation."""

    status: str
    message: str
    details: tuple[Mapping[str, Any], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """Return it as an HTTP answer."""
        code = UNIMPLEMENTED if self.status == "UNIMPLEMENTED" else int(STATUS[self.status])
        error: dict[str, Any] = {"code": code, "message": self.message, "status": self.status}
        if self.details:
            error["details"] = list(self.details)
        answer = Response(json.dumps({"error": error}), status=code, content_type=JSON)
        answer.headers.update(self.headers)
        return answer

    def rpc_status(self) -> dict[str, Any]:
        """Return it as a `google.rpc.Status`, the error of an operation."""
        status: dict[str, Any] = {"code": RPC_CODES[self.status], "message": self.message}
        return status | ({"details": list(self.details)} if self.details else {})


def invalid(message: str) -> RefusedError:
    """Return a 400 INVALID_ARGUMENT."""
    return RefusedError("INVALID_ARGUMENT", message)


def invalid_payload(violations: Iterable[tuple[str, str]]) -> RefusedError:
    """Return the 400 for fields that the API does not have or cannot read: pairs of field and description."""
    found = list(violations)
    detail = {
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [
            {"field": where, "description": text} if where else {"description": text} for where, text in found
        ],
    }
    return RefusedError("INVALID_ARGUMENT", "\n".join(text for _, text in found), (detail,))


def not_found(message: str) -> RefusedError:
    """Return a 404 NOT_FOUND."""
    return RefusedError("NOT_FOUND", message)


def already_exists(message: str) -> RefusedError:
    """Return a 409 ALREADY_EXISTS."""
    return RefusedError("ALREADY_EXISTS", message)


def aborted(message: str) -> RefusedError:
    """Return a 409 ABORTED: another caller wrote in between."""
    return RefusedError("ABORTED", message)


def failed_precondition(message: str) -> RefusedError:
    """Return a 400 FAILED_PRECONDITION."""
    return RefusedError("FAILED_PRECONDITION", message)


def error_info(reason: str, domain: str, **metadata: str) -> dict[str, Any]:
    """Return a `google.rpc.ErrorInfo` detail."""
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": domain,
        "metadata": metadata,
    }


def permission_denied(permission: str, host: str, resource: str) -> RefusedError:
    """Return the 403 that names the permission which the caller lacks."""
    return RefusedError(
        "PERMISSION_DENIED",
        f"Permission '{permission}' denied on resource '//{host}/{resource}' (or it may not exist).",
        (error_info("IAM_PERMISSION_DENIED", host, permission=permission, resource=resource),),
    )
