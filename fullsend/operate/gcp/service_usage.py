"""Service Usage v1: which APIs the project has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fullsend.operate.gcp.session import Session


class ServiceUsage:
    """The project's APIs."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def _api(self) -> Any:
        return self._session.service("serviceusage", "v1")

    def look(self) -> tuple[str, frozenset[str]]:
        """Return the project's number and the names of the APIs that are enabled.

        The number is told by every service's `parent`, also while Resource Manager is not enabled.
        """
        number, found = "", set()
        services = self._api.services()
        parent = f"projects/{self._session.project}"
        request = services.list(parent=parent, filter="state:ENABLED", pageSize=200)
        while request is not None:
            answer = self._session.call(request, "list the project's APIs")
            for one in answer.get("services", ()):
                found.add(str(one["config"]["name"]))
                number = str(one.get("parent", "")).removeprefix("projects/")
            request = services.list_next(request, answer)
        return number, frozenset(found)

    def enable(self, apis: Sequence[str]) -> None:
        """Enable APIs, which may be enabled already; at most 20."""
        what = f"enable {', '.join(apis)}"
        request = self._api.services().batchEnable(
            parent=f"projects/{self._session.project}", body={"serviceIds": list(apis)}
        )
        operation = self._session.call(request, what)
        self._session.finish(operation, lambda name: self._api.operations().get(name=name), what)
        self._session.just_enabled.update(apis)
