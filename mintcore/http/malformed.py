"""Answer requests that never reach the endpoint: the server cannot parse them, or they arrive too slowly."""

from __future__ import annotations

import json
import uuid
from typing import Any

from gunicorn.http import errors as http_errors

from mintcore.errors import InternalError

TIMEOUT = "408 Request Timeout"
_INTERNAL = "500 Internal Server Error"
_STATUS_OF = (
    (http_errors.LimitRequestLine, "414 URI Too Long"),
    (http_errors.LimitRequestHeaders, "431 Request Header Fields Too Large"),
    (http_errors.ExpectationFailed, "417 Expectation Failed"),
    (http_errors.UnsupportedTransferCoding, "501 Not Implemented"),
    (http_errors.ParseException, "400 Bad Request"),
)


def status_of(request: Any, error: BaseException) -> str:
    """Return the status line for a request that gunicorn refused, empty for the server's own fault.

    ``request`` is the parsed request, ``None`` if parsing failed. Once it is parsed, only our answer can be at
    fault.
    """
    if request is not None:
        return ""
    return next((status for kind, status in _STATUS_OF if isinstance(error, kind)), "")


def error_page(status: str) -> bytes:
    """Return a whole answer in the form of every other error; an empty ``status`` is the server's own fault."""
    request_id = uuid.uuid4().hex
    if status:
        sentence = f"The server does not accept this HTTP request: {status.partition(' ')[2].lower()}."
        code = "bad_request"
    else:
        status, code, sentence = _INTERNAL, InternalError.code, InternalError.sentence
    body = json.dumps({"error": sentence, "code": code, "request_id": request_id}).encode()
    head = (
        f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
        f"X-Request-Id: {request_id}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
