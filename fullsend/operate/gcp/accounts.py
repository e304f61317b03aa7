"""IAM v1, service accounts."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fullsend.operate.operate_errors import AlreadyExists, NotThere

if TYPE_CHECKING:
    from fullsend.operate.gcp.session import Session


class ServiceAccounts:
    """The project's service accounts, named by their address."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def _accounts(self) -> Any:
        return self._session.service("iam", "v1").projects().serviceAccounts()

    def exists(self, email: str) -> bool:
        """Whether there is such an account."""
        try:
            self._session.call(self._accounts.get(name=self._name(email)), f"show the service account {email}")
        except NotThere:
            return False
        return True

    def create(self, email: str, display_name: str) -> None:
        """Create an account; one that exists already will do."""
        body = {"accountId": email.partition("@")[0], "serviceAccount": {"displayName": display_name}}
        request = self._accounts.create(name=f"projects/{self._session.project}", body=body)
        with suppress(AlreadyExists):
            self._session.call(request, f"create the service account {email}")

    def delete(self, email: str) -> None:
        """Delete an account; one that is gone already will do."""
        with suppress(NotThere):
            self._session.call(self._accounts.delete(name=self._name(email)), f"delete the service account {email}")

    def _name(self, email: str) -> str:
        return f"projects/{self._session.project}/serviceAccounts/{email}"
