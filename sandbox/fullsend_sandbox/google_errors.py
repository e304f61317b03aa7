"""Build errors in the JSON form that Google's REST services share (AIP-193)."""

import json
from http import HTTPStatus

from werkzeug.wrappers import Request, Response

STATUS = {
    "INVALID_ARGUMENT": HTTPStatus.BAD_REQUEST,
    "FAILED_PRECONDITION": HTTPStatus.BAD_REQUEST,
    "UNAUTHENTICATED": HTTPStatus.UNAUTHORIZED,
    "PERMISSION_DENIED": HTTPStatus.FORBIDDEN,
    "NOT_FOUND": HTTPStatus.NOT_FOUND,
    "ALREADY_EXISTS": HTTPStatus.CONFLICT,
    "ABORTED": HTTPStatus.CONFLICT,
    "RESOURCE_EXHAUSTED": HTTPStatus.TOO_MANY_REQUESTS,
    "INTERNAL": HTTPStatus.INTERNAL_SERVER_ERROR,
    "UNAVAILABLE": HTTPStatus.SERVICE_UNAVAILABLE,
    "DEADLINE_EXCEEDED": HTTPStatus.GATEWAY_TIMEOUT,
}
JSON = "application/json; charset=UTF-8"


def google_error_body(status: str, message: str) -> str:
    """Return only the body, for a `Fail` fault."""
    return json.dumps({"error": {"code": int(STATUS[status]), "message": message, "status": status}})


def google_error(status: str, message: str) -> Response:
    """Return an error response; `status` is the canonical name, such as `NOT_FOUND`."""
    return Response(google_error_body(status, message), status=int(STATUS[status]), content_type=JSON)


def google_json(value: object) -> Response:
    """Return a 200 with this JSON."""
    return Response(json.dumps(value), content_type=JSON)


def no_such_method(request: Request, _status: int) -> Response:
    """Answer a path or method that the API does not have."""
    return google_error("NOT_FOUND", f"Method not found: {request.method} {request.path}")
