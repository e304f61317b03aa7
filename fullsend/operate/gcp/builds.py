"""Call Cloud Build v1 for the account that builds a function's source."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fullsend.operate.gcp.session import Session


class Builds:
    """The project's builds."""

    def __init__(self, session: Session) -> None:
        self._api = session.api("cloudbuild", "v1")
        self._project = session.project

    def default_account(self, region: str) -> str:
        """Return the address of the default account of builds. Raises OperateError."""
        name = f"projects/{self._project}/locations/{region}/defaultServiceAccount"
        found = self._api.get(name, "show Cloud Build's default service account")
        return str(found.get("serviceAccountEmail", "")).rpartition("/")[2]
