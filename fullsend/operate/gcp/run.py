"""Cloud Run v2: the service below the function, its revisions, and who may call it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from fullsend.operate.gcp import policies
from fullsend.operate.operate_errors import NotThere

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.operate.gcp.session import Session

INVOKER = "roles/run.invoker"
EVERYONE = "allUsers"


class Run:
    """Services and revisions by resource name, as the API describes them."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def _locations(self) -> Any:
        return self._session.service("run", "v2").projects().locations()

    def service(self, name: str) -> dict[str, Any] | None:
        """Return a service, None when there is none."""
        try:
            return self._session.call(self._locations.services().get(name=name), "show the Cloud Run service")
        except NotThere:
            return None

    def revision(self, name: str) -> dict[str, Any] | None:
        """Return a revision, None when there is none."""
        request = self._locations.services().revisions().get(name=name)
        try:
            return self._session.call(request, f"show the revision {name.rpartition('/')[2]}")
        except NotThere:
            return None

    def revisions(self, service: str) -> list[dict[str, Any]]:
        """Return the revisions of a service, newest first (the hundred newest)."""
        request = self._locations.services().revisions().list(parent=service, pageSize=100)
        answer = self._session.call(request, "list the revisions of the Cloud Run service")
        found: list[dict[str, Any]] = answer.get("revisions", [])
        return sorted(found, key=lambda one: str(one.get("createTime", "")), reverse=True)

    def update(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Write `template` and `traffic`, guarded by the `etag` in the body; return the operation.

        Raises Conflict when the service has changed since it was read.
        """
        request = self._locations.services().patch(name=name, updateMask="template,traffic", body=dict(body))
        return self._session.call(request, "update the Cloud Run service", guarded=True)

    def finish(self, operation: dict[str, Any]) -> None:
        """Wait for an update's operation. Raises NotReady when the revision does not start."""
        operations = self._locations.operations()
        self._session.finish(operation, lambda name: operations.get(name=name), "start the new revision")

    def pause(self, seconds: float) -> None:
        """Wait between two looks at a service."""
        self._session.sleep(seconds)

    def stagger(self, most_seconds: float) -> None:
        """Wait for some part of `most_seconds`, so that rivals who collided do not collide again."""
        self._session.sleep(most_seconds * self._session.jitter())

    def invokers(self, name: str) -> set[str]:
        """Return who may call a service."""
        return policies.members(self._policy(name), INVOKER)

    def make_public(self, name: str) -> None:
        """Let everybody call a service: whose token is good is for the mint to say."""
        edit = partial(policies.with_member, role=INVOKER, member=EVERYONE)
        policies.change(partial(self._policy, name), partial(self._write, name), edit)

    def _policy(self, name: str) -> policies.Policy:
        request = self._locations.services().getIamPolicy(resource=name, options_requestedPolicyVersion=3)
        return self._session.call(request, "show who may call the mint")

    def _write(self, name: str, policy: policies.Policy) -> None:
        request = self._locations.services().setIamPolicy(resource=name, body={"policy": policy})
        self._session.call(request, "change who may call the mint", guarded=True)
