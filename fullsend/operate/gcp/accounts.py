"""Call IAM v1 for service accounts."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from fullsend.operate.operate_errors import AlreadyExists, NotThere

if TYPE_CHECKING:
    from fullsend.operate.gcp.session import Session


class ServiceAccounts:
    """The project's service accounts, named by their address."""

    def __init__(self, session: Session) -> None:
        self._iam = session.api("iam", "v1")
        self._parent = f"projects/{session.project}/serviceAccounts"

    def exists(self, email: str) -> bool:
        """Whether there is such an account."""
        try:
            self._iam.get(f"{self._parent}/{email}", f"show the service account {email}")
        except NotThere:
            return False
        return True

    def create(self, email: str, display_name: str) -> None:
        """Create an account, unless it exists."""
        body = {"accountId": email.partition("@")[0], "serviceAccount": {"displayName": display_name}}
        with suppress(AlreadyExists):
            self._iam.post(self._parent, f"create the service account {email}", body)

    def delete(self, email: str) -> None:
        """Delete an account, unless it is gone."""
        with suppress(NotThere):
            self._iam.delete(f"{self._parent}/{email}", f"delete the service account {email}")
