"""Call Cloud Run v2 for the function's service, its revisions, and its callers."""

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
        self._api = session.api("run", "v2")

    def service(self, name: str) -> dict[str, Any] | None:
        """Return a service, or None if it does not exist."""
        return self._read(name, "show the Cloud Run service")

    def revision(self, name: str) -> dict[str, Any] | None:
        """Return a revision, or None if it does not exist."""
        return self._read(name, f"show the revision {name.rpartition('/')[2]}")

    def _read(self, name: str, what: str) -> dict[str, Any] | None:
        try:
            return self._api.get(name, what)
        except NotThere:
            return None

    def revisions(self, service: str) -> list[dict[str, Any]]:
        """Return the revisions of a service, newest first (the hundred newest)."""
        what = "list the revisions of the Cloud Run service"
        found: list[dict[str, Any]] = self._api.get(f"{service}/revisions", what, pageSize=100).get("revisions", [])
        return sorted(found, key=lambda one: str(one.get("createTime", "")), reverse=True)

    def update(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Write `template` and `traffic`, guarded by the `etag` in the body; return the operation.

        Raises Conflict when the service has changed since it was read.
        """
        what = "update the Cloud Run service"
        return self._api.patch(name, what, dict(body), guarded=True, updateMask="template,traffic")

    def finish(self, operation: dict[str, Any]) -> None:
        """Wait for an update's operation. Raises NotReady when the revision does not start."""
        self._api.finish(operation, "start the new revision")

    def pause(self, seconds: float) -> None:
        """Wait between two reads of a service."""
        self._session.sleep(seconds)

    def wait_random(self, max_seconds: float) -> None:
        """Wait for a random part of `max_seconds`, so two writers do not collide again."""
        self._session.sleep(max_seconds * self._session.jitter())

    def invokers(self, name: str) -> set[str]:
        """Return the members that may call a service."""
        return policies.members(self._policy(name), INVOKER)

    def make_public(self, name: str) -> None:
        """Let all users call a service; the mint checks each caller's token itself."""
        edit = partial(policies.with_member, role=INVOKER, member=EVERYONE)
        policies.change(partial(self._policy, name), partial(self._write, name), edit)

    def _policy(self, name: str) -> policies.Policy:
        return self._api.get(
            f"{name}:getIamPolicy", "show who may call the mint", **{"options.requestedPolicyVersion": 3}
        )

    def _write(self, name: str, policy: policies.Policy) -> None:
        what = "change who may call the mint"
        self._api.post(f"{name}:setIamPolicy", what, {"policy": policy}, guarded=True)
