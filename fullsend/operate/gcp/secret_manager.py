"""Secret Manager v1: secrets, their versions, and who may read them."""

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
        self._session = session

    @property
    def _secrets(self) -> Any:
        return self._session.service("secretmanager", "v1").projects().secrets()

    def ids(self, prefix: str) -> list[str]:
        """Return the ids of the project's secrets that begin with `prefix`."""
        found: list[str] = []
        request = self._secrets.list(parent=f"projects/{self._session.project}", pageSize=1000)
        while request is not None:
            answer = self._session.call(request, "list the project's secrets")
            found += [str(one["name"]).rpartition("/")[2] for one in answer.get("secrets", ())]
            request = self._secrets.list_next(request, answer)
        return sorted(one for one in found if one.startswith(prefix))

    def versions(self, name: str) -> list[Version] | None:
        """Return a secret's versions, newest first; None when there is no such secret."""
        api = self._secrets.versions()
        found: list[Version] = []
        request = api.list(parent=name, pageSize=100)
        while request is not None:
            try:
                answer = self._session.call(request, f"list the versions of the secret {_short(name)}")
            except NotThere:
                return None
            found += [Version(int(_short(one["name"])), one["state"]) for one in answer.get("versions", ())]
            request = api.list_next(request, answer)
        return sorted(found, key=lambda version: -version.number)

    def create(self, name: str) -> None:
        """Create a secret without a version; one that exists already will do."""
        parent, _, identifier = name.partition("/secrets/")
        body: dict[str, Any] = {"replication": {"automatic": {}}}
        with suppress(AlreadyExists):
            request = self._secrets.create(parent=parent, secretId=identifier, body=body)
            self._session.call(request, f"create the secret {identifier}")

    def add_version(self, name: str, value: Secret) -> int:
        """Add a version and return its number."""
        data = base64.b64encode(value.reveal().encode()).decode()
        request = self._secrets.addVersion(parent=name, body={"payload": {"data": data}})
        answer = self._session.call(request, f"add a version to the secret {_short(name)}")
        return int(_short(answer["name"]))

    def value(self, name: str) -> Secret:
        """Return the newest version's value, for a check. Raises NotThere, GoogleFailed, MissingPermission."""
        request = self._secrets.versions().access(name=f"{name}/versions/latest")
        answer = self._session.call(request, f"read the secret {_short(name)}")
        return Secret(base64.b64decode(answer["payload"]["data"]).decode("utf-8", "replace"))

    def disable(self, name: str, number: int) -> None:
        """Disable a version; it can be enabled again."""
        request = self._secrets.versions().disable(name=f"{name}/versions/{number}", body={})
        self._session.call(request, f"disable version {number} of the secret {_short(name)}")

    def readers(self, name: str) -> set[str]:
        """Return who may read a secret by a role on the secret itself."""
        return policies.members(self._policy(name), ACCESSOR)

    def grant(self, name: str, member: str) -> None:
        """Let a member read a secret."""
        edit = partial(policies.with_member, role=ACCESSOR, member=member)
        policies.change(partial(self._policy, name), partial(self._write, name), edit)

    def revoke(self, name: str, member: str) -> None:
        """Let a member read a secret no longer."""
        edit = partial(policies.without_member, role=ACCESSOR, member=member)
        policies.change(partial(self._policy, name), partial(self._write, name), edit)

    def delete(self, name: str) -> None:
        """Delete a secret with all its versions; one that is gone already will do."""
        with suppress(NotThere):
            self._session.call(self._secrets.delete(name=name), f"delete the secret {_short(name)}")

    def _policy(self, name: str) -> policies.Policy:
        request = self._secrets.getIamPolicy(resource=name, options_requestedPolicyVersion=3)
        return self._session.call(request, f"show who may read the secret {_short(name)}")

    def _write(self, name: str, policy: policies.Policy) -> None:
        request = self._secrets.setIamPolicy(resource=name, body={"policy": policy})
        self._session.call(request, f"change who may read the secret {_short(name)}", guarded=True)


def _short(name: str) -> str:
    return str(name).rpartition("/")[2]
