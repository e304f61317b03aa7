"""Call Service Usage v1 for the project's APIs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fullsend.operate.gcp.session import Session


class ServiceUsage:
    """The project's APIs."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._api = session.api("serviceusage", "v1")
        self._parent = f"projects/{session.project}"

    def look(self) -> tuple[str, frozenset[str]]:
        """Return the project's number and the names of the enabled APIs.

        Each service's `parent` has the number, even while Resource Manager is disabled.
        """
        number, found = "", set()
        path, what = f"{self._parent}/services", "list the project's APIs"
        for answer in self._api.pages(path, what, filter="state:ENABLED", pageSize=200):
            for one in answer.get("services", ()):
                found.add(str(one["config"]["name"]))
                number = str(one.get("parent", "")).removeprefix("projects/")
        return number, frozenset(found)

    def enable(self, apis: Sequence[str]) -> None:
        """Enable APIs, also if they are enabled already; at most 20."""
        what = f"enable {', '.join(apis)}"
        operation = self._api.post(f"{self._parent}/services:batchEnable", what, {"serviceIds": list(apis)})
        self._api.finish(operation, what)
        self._session.just_enabled.update(apis)
