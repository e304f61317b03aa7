"""Cloud Functions v2: the function that the mint is uploaded as."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fullsend.operate.operate_errors import NotReady, NotThere

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.operate.gcp.session import Session

DEPLOYING = "DEPLOYING"
BUSY = (DEPLOYING, "DELETING")
_WAITS = 180
_PAUSE_SECONDS = 5.0
_FIRST_PAUSE = 0.2


class Functions:
    """Functions by resource name, as the API describes them."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def _locations(self) -> Any:
        return self._session.service("cloudfunctions", "v2").projects().locations()

    def get(self, name: str) -> dict[str, Any] | None:
        """Return a function, None when there is none."""
        try:
            return self._session.call(self._locations.functions().get(name=name), "show the function")
        except NotThere:
            return None

    def regions(self, name: str) -> list[str]:
        """Return every region of the project with a function of this short name.

        Raises NotReady when Google could not look everywhere: a region it leaves out may have one.
        """
        found, unseen = set(), set()
        parent = f"projects/{self._session.project}/locations/-"
        request = self._locations.functions().list(parent=parent, pageSize=1000)
        while request is not None:
            answer = self._session.call(request, "list the project's functions")
            places = (str(one["name"]).split("/") for one in answer.get("functions", ()))
            found |= {location[3] for location in places if location[-1] == name}
            unseen |= {str(one).rpartition("/")[2] for one in answer.get("unreachable", ())}
            request = self._locations.functions().list_next(request, answer)
        if unseen:
            raise NotReady(
                f"Google could not look for functions everywhere; these regions did not answer: "
                f"{', '.join(sorted(unseen))}.",
                "Run the command again in a few minutes; https://status.cloud.google.com may say more.",
            )
        return sorted(found)

    def settled(self, name: str) -> dict[str, Any] | None:
        """Return a function once no deployment or deletion of it is running. Raises NotReady."""
        pause = _FIRST_PAUSE
        for _ in range(_WAITS):
            found = self.get(name)
            if found is None or found.get("state") not in BUSY:
                return found
            self._session.sleep(pause)
            pause = min(_PAUSE_SECONDS, pause * 2)
        raise NotReady("The function is being deployed by somebody else and does not get ready.")

    def upload(self, parent: str, data: bytes) -> dict[str, Any]:
        """Upload a source zip; return where it is, as `buildConfig.source` wants it."""
        request = self._locations.functions().generateUploadUrl(parent=parent, body={"environment": "GEN_2"})
        location = self._session.call(request, "prepare the upload of the source")
        self._session.upload(location["uploadUrl"], data, "application/zip", "upload the source")
        source: dict[str, Any] = {"storageSource": location["storageSource"]}
        return source

    def create(self, name: str, body: Mapping[str, Any]) -> None:
        """Create a function and wait for its build. Raises AlreadyExists, NotReady."""
        parent, _, identifier = name.partition("/functions/")
        request = self._locations.functions().create(parent=parent, functionId=identifier, body=dict(body))
        self._write(request, f"create the function {identifier}")

    def update(self, name: str, body: Mapping[str, Any], mask: str) -> None:
        """Update the fields in `mask` and wait for the build. Raises NotReady."""
        request = self._locations.functions().patch(name=name, updateMask=mask, body=dict(body))
        self._write(request, "update the function")

    def delete(self, name: str) -> None:
        """Delete a function with its service; one that is gone already will do."""
        with suppress(NotThere):
            self._write(self._locations.functions().delete(name=name), "delete the function")

    def _write(self, request: Any, what: str) -> None:
        operations = self._locations.operations()
        operation = self._session.call(request, what)
        self._session.finish(operation, lambda name: operations.get(name=name), what)
