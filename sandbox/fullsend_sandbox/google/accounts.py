"""Emulate IAM v1 service accounts. IAM policies know a new account only after a moment, as at Google."""

import re
import secrets
from collections.abc import Callable
from typing import Any

from fullsend_sandbox.google.calls import Call, Endpoint, Endpoints
from fullsend_sandbox.google.errors import already_exists, invalid, not_found
from fullsend_sandbox.google.pages import page
from fullsend_sandbox.google.project import Project

ACCOUNT_ID = re.compile(r"[a-z](?:[-a-z0-9]{4,28}[a-z0-9])")
EDITABLE = ("displayName", "description")
MAX_DISPLAY_NAME_BYTES = 100

Deleted = Callable[[str, str], None]
"""Called with the address and the unique id of an account that is deleted."""


class ServiceAccounts:
    """The project's service accounts, by e-mail address."""

    def __init__(self, project: Project) -> None:
        self.visible_after = 0.2
        """Seconds until policies know a new account."""
        self.on_delete: list[Deleted] = []
        self._project = project
        self._accounts: dict[str, dict[str, Any]] = {}
        self._born: dict[str, float] = {}

    def endpoints(self) -> Endpoints:
        """Return the handlers of the API methods."""
        at, may = "projects.serviceAccounts.", "iam.serviceAccounts."
        return {
            f"{at}create": Endpoint(self._create, f"{may}create"),
            f"{at}get": Endpoint(self._get, f"{may}get"),
            f"{at}list": Endpoint(self._list, f"{may}list"),
            f"{at}delete": Endpoint(self._delete, f"{may}delete"),
        }

    def exists(self, email: str) -> bool:
        """Whether there is such an account, seen or not."""
        return email in self._accounts

    def is_visible(self, email: str) -> bool:
        """Whether IAM policies know the account; those of other projects are taken on trust."""
        if not email.endswith(f"@{self._project.id}.iam.gserviceaccount.com"):
            return email.endswith(".gserviceaccount.com")
        return email in self._accounts and self._project.clock() >= self._born[email] + self.visible_after

    def clear(self) -> None:
        """Forget every account."""
        self._accounts.clear()
        self._born.clear()

    def _create(self, call: Call) -> dict[str, Any]:
        account = call.body.get("accountId", "")
        if not ACCOUNT_ID.fullmatch(account):
            raise invalid(
                "The request is invalid: the account id must be 6 to 30 characters of a-z, 0-9 and dashes, begin "
                "with a letter and not end with a dash."
            )
        email = f"{account}@{self._project.id}.iam.gserviceaccount.com"
        if email in self._accounts:
            raise already_exists(
                f"Service account {account} already exists within project projects/{self._project.id}."
            )
        given = call.body.get("serviceAccount", {})
        if len(given.get("displayName", "").encode()) > MAX_DISPLAY_NAME_BYTES:
            raise invalid(f"The display name must be at most {MAX_DISPLAY_NAME_BYTES} bytes.")
        unique_id = "1" + "".join(secrets.choice("0123456789") for _ in range(20))
        self._born[email] = self._project.clock()
        self._accounts[email] = {
            "name": f"projects/{self._project.id}/serviceAccounts/{email}",
            "projectId": self._project.id,
            "uniqueId": unique_id,
            "email": email,
            "etag": "MDEwMjE5MjA=",
            "oauth2ClientId": unique_id,
        } | {name: given[name] for name in EDITABLE if given.get(name)}
        return self._accounts[email]

    def _get(self, call: Call) -> dict[str, Any]:
        return self._accounts[self._email(call)]

    def _list(self, call: Call) -> dict[str, Any]:
        return page(call, "accounts", [self._accounts[email] for email in sorted(self._accounts)])

    def _delete(self, call: Call) -> dict[str, Any]:
        email = self._email(call)
        unique_id = self._accounts.pop(email)["uniqueId"]
        for told in self.on_delete:
            told(email, unique_id)
        return {}

    def _email(self, call: Call) -> str:
        wanted = call.last()
        for email, account in self._accounts.items():
            if wanted in (email, account["uniqueId"]):
                return email
        raise not_found(f"Unknown service account: {wanted}")
