"""Emulate IAM v1 workload identity pools: create, change, delete (the name stays reserved for 30 days), undelete.

Names and states are kept here. The token service's `Federation` learns which pools are usable.
"""

import re
from typing import Any

from fullsend_sandbox.google.calls import Call, Endpoint, Endpoints
from fullsend_sandbox.google.errors import already_exists, failed_precondition, invalid, not_found
from fullsend_sandbox.google.operations import Operations
from fullsend_sandbox.google.pages import page
from fullsend_sandbox.google.project import Project
from fullsend_sandbox.wif import Federation

POOL_ID = re.compile(r"(?!gcp-)[a-z0-9-]{4,32}")
KEPT_SECONDS = 30 * 24 * 3600
MAX_DISPLAY_NAME = 32
MAX_DESCRIPTION = 256
OPERATION = "google.iam.v1.WorkloadIdentityPoolOperationMetadata"
RESOURCE = "google.iam.v1.WorkloadIdentityPool"
ALREADY_EXISTS = "Requested entity already exists"
NOT_FOUND = "Requested entity was not found."
PRECONDITION = "Precondition check failed."


class Pools:
    """The project's pools; what a test writes to the federation shows here too."""

    def __init__(self, project: Project, federation: Federation, operations: Operations) -> None:
        self._project = project
        self._federation = federation
        self._operations = operations
        self._notes: dict[str, dict[str, Any]] = {}
        self._deleted: dict[str, float] = {}

    def endpoints(self) -> Endpoints:
        """Return the handlers of the API methods."""
        at, may = "projects.locations.workloadIdentityPools.", "iam.workloadIdentityPools."
        return {
            f"{at}create": Endpoint(self._create, f"{may}create"),
            f"{at}get": Endpoint(lambda call: self._show(self.existing(call.last())), f"{may}get"),
            f"{at}list": Endpoint(self._list, f"{may}list"),
            f"{at}patch": Endpoint(self._patch, f"{may}update"),
            f"{at}delete": Endpoint(self._delete, f"{may}delete"),
            f"{at}undelete": Endpoint(self._undelete, f"{may}undelete"),
            f"{at}operations.get": Endpoint(self._operations.get, f"{may}get"),
            f"{at}providers.operations.get": Endpoint(self._operations.get, f"{may}get"),
        }

    def name(self, pool: str) -> str:
        """Return the pool's full name."""
        return f"projects/{self._project.number}/locations/global/workloadIdentityPools/{pool}"

    def exists(self, name: str) -> bool:
        """Whether there is such a pool, by full name; a deleted one does not count."""
        pool = name.rpartition("/")[2]
        return name == self.name(pool) and pool in self._known() and pool not in self._deleted

    def existing(self, pool: str) -> str:
        """Return the id of a pool, deleted or not. Raises RefusedError."""
        if pool not in self._known():
            raise not_found(NOT_FOUND)
        return pool

    def live(self, pool: str) -> str:
        """Return the id of a pool that is not deleted. Raises RefusedError."""
        if self.existing(pool) in self._deleted:
            raise failed_precondition(PRECONDITION)
        return pool

    def clear(self) -> None:
        """Forget the extra state that is kept here."""
        self._notes.clear()
        self._deleted.clear()

    def _known(self) -> dict[str, bool]:
        for pool, since in list(self._deleted.items()):
            if self._project.clock() >= since + KEPT_SECONDS:
                del self._deleted[pool]
                self._notes.pop(pool, None)
                self._federation.remove_pool(pool)
        return self._federation.pools()

    def _create(self, call: Call) -> dict[str, Any]:
        pool = call.query.get("workloadIdentityPoolId", "")
        if not POOL_ID.fullmatch(pool):
            raise invalid("A pool id has 4 to 32 characters of a-z, 0-9 and dashes, and does not begin with gcp-.")
        check_global(call)
        check_texts(call.body)
        if pool in self._known():
            raise already_exists(ALREADY_EXISTS)
        self._write(pool, call.body)
        return self._done(pool)

    def _list(self, call: Call) -> dict[str, Any]:
        with_deleted = call.query.get("showDeleted") == "true"
        shown = [pool for pool in sorted(self._known()) if with_deleted or pool not in self._deleted]
        return page(call, "workloadIdentityPools", [self._show(pool) for pool in shown])

    def _patch(self, call: Call) -> dict[str, Any]:
        pool = self.live(call.last())
        if not call.query.get("updateMask"):
            raise invalid("The update mask must be given.")
        changed = call.patched(self._show(pool))
        check_texts(changed)
        self._write(pool, changed)
        return self._done(pool)

    def _delete(self, call: Call) -> dict[str, Any]:
        pool = self.live(call.last())
        self._deleted[pool] = self._project.clock()
        self._federation.set_pool(pool, enabled=False)
        return self._done(pool)

    def _undelete(self, call: Call) -> dict[str, Any]:
        pool = self.existing(call.last())
        if pool not in self._deleted:
            raise failed_precondition(PRECONDITION)
        del self._deleted[pool]
        self._federation.set_pool(pool, enabled=not self._notes.get(pool, {}).get("disabled", False))
        return self._done(pool)

    def _write(self, pool: str, body: Any) -> None:
        self._notes[pool] = {k: body[k] for k in ("displayName", "description", "disabled") if body.get(k)}
        self._federation.set_pool(pool, enabled=not body.get("disabled", False))

    def _show(self, pool: str) -> dict[str, Any]:
        shown = {"name": self.name(pool), "state": "ACTIVE"} | self._notes.get(pool, {})
        since = self._deleted.get(pool)
        if since is not None:
            return shown | {"state": "DELETED", "expireTime": self._project.timestamp(since + KEPT_SECONDS)}
        return shown if self._known()[pool] else shown | {"disabled": True}

    def _done(self, pool: str) -> dict[str, Any]:
        name = self.name(pool)
        operation = self._operations.begin(name, OPERATION, {})
        operation.finish(RESOURCE, self._show(pool))
        return self._operations.show(operation)


def check_global(call: Call) -> None:
    """Check that the call names the only location there is. Raises RefusedError."""
    if call.variables["locationsId"] != "global":
        raise invalid("The location must be global.")


def check_texts(body: Any) -> None:
    """Check what people read. Raises RefusedError."""
    if len(body.get("displayName", "")) > MAX_DISPLAY_NAME:
        raise invalid(f"The display name must be at most {MAX_DISPLAY_NAME} characters.")
    if len(body.get("description", "")) > MAX_DESCRIPTION:
        raise invalid(f"The description must be at most {MAX_DESCRIPTION} characters.")
