"""Name the resources of a Google API by path, and call its methods over a session."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A request to an API; `target` is path and query without the leading slash."""

    api: str
    method: str
    target: str
    body: object = field(default=None, repr=False)

    @property
    def permission_hint(self) -> str:
        """The probable permission, such as `run.services.patch` for PATCH v2/projects/p/locations/l/services/s."""
        path, _, verb = self.target.partition("?")[0].partition(":")
        collections = [part for part in path.split("/")[1::2] if part not in {"projects", "locations"}]
        return ".".join([self.api, *(collections or ["projects"]), verb or self.method.lower()])


class Sender(Protocol):
    """Sends requests to Google for one project."""

    def send(self, request: ApiRequest, what: str, *, guarded: bool = False) -> dict[str, Any]:
        """Send a request and return the answer. Raises OperateError."""

    def finish(self, api: Api, operation: dict[str, Any], what: str) -> dict[str, Any]:
        """Wait for a long-running operation and return its response. Raises NotReady."""


@dataclass(frozen=True, slots=True)
class Api:
    """The methods of one API, by resource name; `what` finishes "Google refused to …"."""

    session: Sender
    name: str
    version: str

    def get(self, path: str, what: str, **query: str | int) -> dict[str, Any]:
        """Read a resource. Raises OperateError."""
        return self._send("GET", path, what, query)

    def post(
        self, path: str, what: str, body: object = None, *, guarded: bool = False, **query: str | int
    ) -> dict[str, Any]:
        """Create a resource or call a method of one. Raises OperateError."""
        return self._send("POST", path, what, query, {} if body is None else body, guarded=guarded)

    def patch(
        self, path: str, what: str, body: object, *, guarded: bool = False, **query: str | int
    ) -> dict[str, Any]:
        """Change the fields in `updateMask`. Raises OperateError."""
        return self._send("PATCH", path, what, query, body, guarded=guarded)

    def delete(self, path: str, what: str) -> dict[str, Any]:
        """Delete a resource. Raises OperateError."""
        return self._send("DELETE", path, what, {})

    def pages(self, path: str, what: str, **query: str | int) -> Iterator[dict[str, Any]]:
        """Read every page of a list. Raises OperateError."""
        token = ""
        while True:
            answer = self.get(path, what, **query, **({"pageToken": token} if token else {}))
            yield answer
            token = str(answer.get("nextPageToken", ""))
            if not token:
                return

    def finish(self, operation: dict[str, Any], what: str) -> dict[str, Any]:
        """Wait for a long-running operation and return its response. Raises NotReady."""
        return self.session.finish(self, operation, what)

    def _send(
        self,
        method: str,
        path: str,
        what: str,
        query: Mapping[str, str | int],
        body: object = None,
        *,
        guarded: bool = False,
    ) -> dict[str, Any]:
        target = f"{self.version}/{quote(path, safe='/:@')}" + (f"?{urlencode(query)}" if query else "")
        return self.session.send(ApiRequest(self.name, method, target, body), what, guarded=guarded)
