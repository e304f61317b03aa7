"""Call Secret Manager v1 for secrets, their versions, and their readers."""

from __future__ import annotations

import base64
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from fullsend.operate.gcp import policies
from fullsend.operate.model.mint_state import Version
from fullsend.operate.operate_errors import AlreadyExists, NotThere
from mintcore.secret import Secret

if TYPE_CHECKING:
    from fullsend.operate.gcp.session import Session

ENABLED = "ENABLED"
ACCESSOR = "roles/secretmanager.secretAccessor"


class SecretManager:
    """Secrets by resource name, such as `projects/p/secrets/s`."""

    def __init__(self, session: Session) -> None:
        self._api = session.api("secretmanager", "v1")
        self._parent = f"projects/{session.project}"

    def ids(self, prefix: str) -> list[str]:
        """Return the ids of the project's secrets that begin with `prefix`."""
        pages = self._api.pages(f"{self._parent}/secrets", "list the project's secrets", pageSize=1000)
        found = [_short(one["name"]) for answer in pages for one in answer.get("secrets", ())]
        return sorted(one for one in found if one.startswith(prefix))

    def versions(self, name: str) -> list[Version] | None:
        """Return a secret's versions, newest first, or None if the secret does not exist."""
        what = f"list the versions of the secret {_short(name)}"
        try:
            pages = list(self._api.pages(f"{name}/versions", what, pageSize=100))
        except NotThere:
            return None
        found = [
            Version(int(_short(one["name"])), one["state"]) for page in pages for one in page.get("versions", ())
        ]
        return sorted(found, key=lambda version: -version.number)

    def create(self, name: str) -> None:
        """Create a secret without a version, unless it exists."""
        parent, _, identifier = name.rpartition("/")
        body: dict[str, Any] = {"replication": {"automatic": {}}}
        with suppress(AlreadyExists):
            self._api.post(parent, f"create the secret {identifier}", body, secretId=identifier)

    def add_version(self, name: str, value: Secret) -> int:
        """Add a version and return its number."""
        data = base64.b64encode(value.reveal().encode()).decode()
        what = f"add a version to the secret {_short(name)}"
        return int(_short(self._api.post(f"{name}:addVersion", what, {"payload": {"data": data}})["name"]))

    def value(self, name: str) -> Secret:
        """Return the newest version's value for a check. Raises NotThere, GoogleFailed, MissingPermission."""
        answer = self._api.get(f"{name}/versions/latest:access", f"read the secret {_short(name)}")
        return Secret(base64.b64decode(answer["payload"]["data"]).decode("utf-8", "replace"))

    def disable(self, name: str, number: int) -> None:
        """Disable a version; it can be enabled again."""
        what = f"disable version {number} of the secret {_short(name)}"
        self._api.post(f"{name}/versions/{number}:disable", what)

    def readers(self, name: str) -> set[str]:
        """Return the members with a role on the secret itself that may read it."""
        return policies.members(self._policy(name), ACCESSOR)

    def grant(self, name: str, member: str) -> None:
        """Let a member read a secret."""
        edit = partial(policies.with_member, role=ACCESSOR, member=member)
        policies.change(partial(self._policy, name), partial(self._write, name), edit)

    def revoke(self, name: str, member: str) -> None:
        """Remove a member's access to a secret."""
        edit = partial(policies.without_member, role=ACCESSOR, member=member)
        policies.change(partial(self._policy, name), partial(self._write, name), edit)

    def delete(self, name: str) -> None:
        """Delete a secret with all its versions, unless it is gone."""
        with suppress(NotThere):
            self._api.delete(name, f"delete the secret {_short(name)}")

    def _policy(self, name: str) -> policies.Policy:
        what = f"show who may read the secret {_short(name)}"
        return self._api.get(f"{name}:getIamPolicy", what, **{"options.requestedPolicyVersion": 3})

    def _write(self, name: str, policy: policies.Policy) -> None:
        what = f"change who may read the secret {_short(name)}"
        self._api.post(f"{name}:setIamPolicy", what, {"policy": policy}, guarded=True)


def _short(name: str) -> str:
    return str(name).rpartition("/")[2]
