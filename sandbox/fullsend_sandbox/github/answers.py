"""GitHub's answers as HTTP: JSON, errors with `message`, `documentation_url` and `status`, redirects.

GitHub REST: "Troubleshooting the REST API". Decides the form; who says what is the handlers' business.
"""

import json
from collections.abc import Mapping

from werkzeug.wrappers import Response

JSON = "application/json; charset=utf-8"
DOCUMENTATION = "https://docs.github.com/rest"


class RefusedError(Exception):
    """A request that GitHub refuses: its status, its sentence, and the page the answer points to."""

    def __init__(
        self, status: int, message: str, page: str = "", *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.page = page
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """Return what the caller sees."""
        body = error_body(self.status, self.message, self.page)
        return Response(body, status=self.status, content_type=JSON, headers=self.headers)


def error_body(status: int, message: str, page: str = "") -> str:
    """Return the body of an error alone, for a `Fail` fault."""
    return json.dumps({"message": message, "documentation_url": f"{DOCUMENTATION}{page}", "status": str(status)})


def answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer with this JSON."""
    return Response(json.dumps(value), status=status, content_type=JSON, headers=dict(headers or {}))


def not_found(page: str = "") -> RefusedError:
    """Return the one answer for what does not exist and for what the caller may not see."""
    return RefusedError(404, "Not Found", page)


def moved(location: str) -> Response:
    """Return a permanent redirect (GitHub REST: "Follow redirects")."""
    body = {"message": "Moved Permanently", "url": location, "documentation_url": DOCUMENTATION}
    return answer(body, 301, {"Location": location})
