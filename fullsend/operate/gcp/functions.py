"""Call Cloud Functions v2 for the function that runs the mint."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fullsend.net.failures import NoAnswerError
from fullsend.operate.operate_errors import GoogleFailed, NotReady, NotThere

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.operate.gcp.session import Session

DEPLOYING = "DEPLOYING"
BUSY = (DEPLOYING, "DELETING")
_WAITS = 180
_PAUSE_SECONDS = 5.0
_FIRST_PAUSE = 0.2
_DOWNLOAD_SECONDS = 300.0
_AGAIN = "This call only reads, so nothing was changed. Run the command again."


class Functions:
    """Functions by resource name, as the API describes them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._api = session.api("cloudfunctions", "v2")

    def get(self, name: str) -> dict[str, Any] | None:
        """Return a function, or None if it does not exist."""
        try:
            return self._api.get(name, "show the function")
        except NotThere:
            return None

    def regions(self, name: str) -> list[str]:
        """Return every region of the project with a function of this short name.

        Raises NotReady if Google did not search every region, because a missing region may have one.
        """
        found, unseen = set(), set()
        parent = f"projects/{self._session.project}/locations/-"
        for answer in self._api.pages(f"{parent}/functions", "list the project's functions", pageSize=1000):
            places = (str(one["name"]).split("/") for one in answer.get("functions", ()))
            found |= {location[3] for location in places if location[-1] == name}
            unseen |= {str(one).rpartition("/")[2] for one in answer.get("unreachable", ())}
        if unseen:
            raise NotReady(
                f"Google did not search every region for functions; these regions did not answer: "
                f"{', '.join(sorted(unseen))}.",
                "Run the command again in a few minutes; https://status.cloud.google.com may say more.",
            )
        return sorted(found)

    def settled(self, name: str) -> dict[str, Any] | None:
        """Wait until no deployment or deletion of a function is running, and return it. Raises NotReady."""
        pause = _FIRST_PAUSE
        for _ in range(_WAITS):
            found = self.get(name)
            if found is None or found.get("state") not in BUSY:
                return found
            self._session.sleep(pause)
            pause = min(_PAUSE_SECONDS, pause * 2)
        raise NotReady("Another deployment of the function is running and does not finish.")

    def upload(self, parent: str, data: bytes) -> dict[str, Any]:
        """Upload a source zip; return its place in the form of `buildConfig.source`."""
        path = f"{parent}/functions:generateUploadUrl"
        location = self._api.post(path, "prepare the upload of the source", {"environment": "GEN_2"})
        self._session.upload(location["uploadUrl"], data, "application/zip", "upload the source")
        source: dict[str, Any] = {"storageSource": location["storageSource"]}
        return source

    def source(self, name: str) -> bytes:
        """Return the source archive that the function was built from. Raises NotThere, MissingPermission."""
        what = "download the function's source"
        location = self._api.post(f"{name}:generateDownloadUrl", what)
        try:  # the signed URL itself is the permission, so no credentials are sent
            answer = self._session.transport.exchange("GET", location["downloadUrl"], seconds=_DOWNLOAD_SECONDS)
        except NoAnswerError as error:
            raise GoogleFailed(f"Google did not answer when asked to {what}: {error}.", _AGAIN) from error
        if answer.status != HTTPStatus.OK:
            raise GoogleFailed(f"Google refused to {what}: status {answer.status}.", _AGAIN)
        return answer.body

    def create(self, name: str, body: Mapping[str, Any]) -> None:
        """Create a function and wait for its build. Raises AlreadyExists, NotReady."""
        parent, _, identifier = name.rpartition("/")
        what = f"create the function {identifier}"
        self._api.finish(self._api.post(parent, what, dict(body), functionId=identifier), what)

    def update(self, name: str, body: Mapping[str, Any], mask: str) -> None:
        """Update the fields in `mask` and wait for the build. Raises NotReady."""
        what = "update the function"
        self._api.finish(self._api.patch(name, what, dict(body), updateMask=mask), what)

    def delete(self, name: str) -> None:
        """Delete a function with its service, unless it is gone."""
        with suppress(NotThere):
            self._api.finish(self._api.delete(name, "delete the function"), "delete the function")
