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

    def enabled(self) -> set[str]:
        """Return the names of the APIs that are enabled."""
        found: set[str] = set()
        services = self._api.services()
        parent = f"projects/{self._session.project}"
        request = services.list(parent=parent, filter="state:ENABLED", pageSize=200)
        while request is not None:
            answer = self._session.call(request, "list the project's APIs")
            found |= {str(one["config"]["name"]) for one in answer.get("services", ())}
            request = services.list_next(request, answer)
        return found

    def enable(self, apis: Sequence[str]) -> None:
        """Enable APIs, which may be enabled already; at most 20."""
        what = f"enable {', '.join(apis)}"
        request = self._api.services().batchEnable(
            parent=f"projects/{self._session.project}", body={"serviceIds": list(apis)}
        )
        operation = self._session.call(request, what)
        self._session.finish(operation, lambda name: self._api.operations().get(name=name), what)
