"""Build GitHub's HTTP answers: JSON, errors with `message`, `documentation_url` and `status`, redirects.

GitHub REST: "Troubleshooting the REST API". This module makes the form of an answer; the handlers make its content.
"""

import json
from collections.abc import Mapping

from werkzeug.wrappers import Response

JSON = "application/json; charset=utf-8"
DOCUMENTATION = "https://docs.github.com/rest"


class RefusedError(Exception):
    """A request that GitHub refuses: the status, the message, and the page that the answer links."""

    def __init__(
        self, status: int, message: str, page: str = "", *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.page = page
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """Return the answer."""
        body = error_body(self.status, self.message, self.page)
        return Response(body, status=self.status, content_type=JSON, headers=self.headers)


def error_body(status: int, message: str, page: str = "") -> str:
    """Return only the body of an error, for a `Fail` fault."""
    return json.dumps({"message": message, "documentation_url": f"{DOCUMENTATION}{page}", "status": str(status)})


def answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer with this JSON."""
    return Response(json.dumps(value), status=status, content_type=JSON, headers=dict(headers or {}))


def not_found(page: str = "") -> RefusedError:
    """Return 404: the same for a missing resource and for one that the caller may not see."""
    return RefusedError(404, "Not Found", page)


def moved(location: str) -> Response:
    """Return a permanent redirect (GitHub REST: "Follow redirects")."""
    body = {"message": "Moved Permanently", "url": location, "documentation_url": DOCUMENTATION}
    return answer(body, 301, {"Location": location})
