"""Emulate Secret Manager v1 for operators: secrets, their versions, their policies.

The data is in the sandbox's `SecretManager`, which the mint reads without credentials. Here a secret's policy
decides whether the mint may read it: `roles/secretmanager.secretAccessor` for a service account that exists.
"""

import base64
import re
from typing import Any

from fullsend_sandbox.crc32c import crc32c
from fullsend_sandbox.google.accounts import ServiceAccounts
from fullsend_sandbox.google.calls import Call, Endpoint, Endpoints
from fullsend_sandbox.google.errors import already_exists, failed_precondition, invalid, not_found
from fullsend_sandbox.google.pages import page
from fullsend_sandbox.google.payload import bytes_of
from fullsend_sandbox.google.policies import SERVICE_ACCOUNT, Policies
from fullsend_sandbox.google.project import Project
from fullsend_sandbox.secret_manager import SecretManager, SecretVersion

SECRET_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")
ACCESSOR = "roles/secretmanager.secretAccessor"
MAX_PAYLOAD = 65_536
OTHER_STATE = {"enable": "ENABLED", "disable": "DISABLED", "destroy": "DESTROYED"}


class Secrets:
    """The project's secrets over REST."""

    def __init__(
        self, project: Project, store: SecretManager, policies: Policies, accounts: ServiceAccounts
    ) -> None:
        self._project = project
        self._store = store
        self._policies = policies
        self._accounts = accounts
        self._notes: dict[str, dict[str, Any]] = {}
        self._version_notes: dict[tuple[str, int], dict[str, Any]] = {}

    def endpoints(self) -> Endpoints:
        """Return the handlers of the API methods."""
        at, may = "projects.secrets.", "secretmanager."
        return {
            f"{at}create": Endpoint(self._create, f"{may}secrets.create"),
            f"{at}get": Endpoint(lambda call: self._show(self._secret(call)), f"{may}secrets.get"),
            f"{at}list": Endpoint(self._list, f"{may}secrets.list"),
            f"{at}patch": Endpoint(self._patch, f"{may}secrets.update"),
            f"{at}delete": Endpoint(self._delete, f"{may}secrets.delete"),
            f"{at}addVersion": Endpoint(self._add_version, f"{may}versions.add"),
            f"{at}getIamPolicy": Endpoint(self._policy, f"{may}secrets.getIamPolicy"),
            f"{at}setIamPolicy": Endpoint(self._set_policy, f"{may}secrets.setIamPolicy"),
            f"{at}versions.get": Endpoint(self._get_version, f"{may}versions.get"),
            f"{at}versions.list": Endpoint(self._list_versions, f"{may}versions.list"),
            f"{at}versions.access": Endpoint(self._access, f"{may}versions.access"),
        } | {f"{at}versions.{verb}": Endpoint(self._change_state, f"{may}versions.{verb}") for verb in OTHER_STATE}

    def clear(self) -> None:
        """Forget the extra state that is kept here."""
        self._notes.clear()
        self._version_notes.clear()

    def policy_changed(self, secret: str) -> None:
        """Let the mint read the secret, or not, as its policy says."""
        if secret not in self._store.secrets():
            return
        members = self._policies.members(secret, ACCESSOR)
        accounts = [m.removeprefix(SERVICE_ACCOUNT) for m in members if m.startswith(SERVICE_ACCOUNT)]
        if any(self._accounts.exists(email) for email in accounts):
            self._store.allow(secret)
        else:
            self._store.deny(secret)

    def _create(self, call: Call) -> dict[str, Any]:
        secret = call.query.get("secretId", "")
        if not SECRET_ID.fullmatch(secret):
            raise invalid("The secret id must be 1 to 255 characters of letters, digits, dashes and underscores.")
        if not call.body.get("replication"):
            raise invalid("Field [secret.replication] is required.")
        if secret in self._store.secrets():
            raise already_exists(f"Secret [{self._name(secret)}] already exists.")
        self._notes[secret] = dict(call.body) | {"createTime": self._project.now()}
        self._store.create_secret(secret)
        self._store.deny(secret)
        return self._show(secret)

    def _list(self, call: Call) -> dict[str, Any]:
        secrets = self._store.secrets()
        return page(call, "secrets", [self._show(one) for one in secrets]) | {"totalSize": len(secrets)}

    def _patch(self, call: Call) -> dict[str, Any]:
        secret = self._secret(call)
        if not call.query.get("updateMask"):
            raise invalid("The update mask must be given.")
        _check_etag(call.body.get("etag"), self._show(secret)["etag"])
        changed = call.patched(self._notes.get(secret, {}))
        self._notes[secret] = {name: value for name, value in changed.items() if name != "etag"}
        return self._show(secret)

    def _delete(self, call: Call) -> dict[str, Any]:
        secret = self._secret(call)
        _check_etag(call.query.get("etag"), self._show(secret)["etag"])
        self._store.delete_secret(secret)
        self._policies.forget(secret)
        self._notes.pop(secret, None)
        for key in [one for one in self._version_notes if one[0] == secret]:
            del self._version_notes[key]
        return {}

    def _add_version(self, call: Call) -> dict[str, Any]:
        secret = self._secret(call)
        payload: dict[str, Any] = call.body.get("payload", {})
        data = bytes_of(payload.get("data", ""))
        if not data:
            raise invalid("Field [payload.data] is required.")
        if len(data) > MAX_PAYLOAD:
            raise invalid(f"The payload is {len(data)} bytes; at most {MAX_PAYLOAD} are allowed.")
        if "dataCrc32c" in payload and int(payload["dataCrc32c"]) != crc32c(data):
            raise invalid("The data_crc32c provided does not match the checksum of the payload.")
        number = self._store.add_version(secret, data)
        noted: dict[str, Any] = {"createTime": self._project.now()}
        if "dataCrc32c" in payload:
            noted["clientSpecifiedPayloadChecksum"] = True
        self._version_notes[secret, number] = noted
        return self._show_version(secret, number)

    def _get_version(self, call: Call) -> dict[str, Any]:
        secret, number = self._version(call)
        return self._show_version(secret, number)

    def _list_versions(self, call: Call) -> dict[str, Any]:
        secret = self._secret(call)
        wanted = call.query.get("filter", "")
        if wanted and not re.fullmatch(r"state[:=](ENABLED|DISABLED|DESTROYED)", wanted):
            raise invalid("The sandbox knows only filters such as state:ENABLED.")
        numbers = range(len(self._store.versions(secret)), 0, -1)
        shown = [self._show_version(secret, number) for number in numbers]
        chosen = [one for one in shown if not wanted or one["state"] == wanted[len("state:") :]]
        return page(call, "versions", chosen) | {"totalSize": len(chosen)}

    def _access(self, call: Call) -> dict[str, Any]:
        secret, number = self._version(call)
        version = self._stored(secret, number)
        name = self._show_version(secret, number)["name"]
        if version.state != "ENABLED":
            raise failed_precondition(f"Secret Version [{name}] is in {version.state} state.")
        data = base64.b64encode(version.data).decode()
        return {"name": name, "payload": {"data": data, "dataCrc32c": str(version.checksum)}}

    def _change_state(self, call: Call) -> dict[str, Any]:
        secret, number = self._version(call)
        shown = self._show_version(secret, number)
        _check_etag(call.body.get("etag"), shown["etag"])
        verb = call.method.id.rpartition(".")[2]
        if shown["state"] == "DESTROYED":
            raise failed_precondition(f"Secret Version [{shown['name']}] is in DESTROYED state.")
        {"enable": self._store.enable, "disable": self._store.disable, "destroy": self._store.destroy}[verb](
            secret, number
        )
        if verb == "destroy":
            self._version_notes.setdefault((secret, number), {})["destroyTime"] = self._project.now()
        return self._show_version(secret, number)

    def _policy(self, call: Call) -> dict[str, Any]:
        return self._policies.get(self._secret(call))

    def _set_policy(self, call: Call) -> dict[str, Any]:
        return self._policies.replace(self._secret(call), call)

    def _secret(self, call: Call) -> str:
        secret = call.variables["secretsId"]
        if secret not in self._store.secrets():
            raise not_found(f"Secret [{self._name(secret)}] not found.")
        return secret

    def _version(self, call: Call) -> tuple[str, int]:
        secret, given = self._secret(call), call.variables["versionsId"]
        count = len(self._store.versions(secret))
        number = str(count) if given == "latest" else given
        if not (number.isascii() and number.isdigit()):
            raise invalid(f"The resource name [{self._name(secret)}/versions/{given}] is not valid.")
        if not 1 <= int(number[:9]) <= count:
            raise not_found(f"Secret Version [{self._name(secret)}/versions/{given}] not found.")
        return secret, int(number[:9])

    def _stored(self, secret: str, number: int) -> SecretVersion:
        return self._store.versions(secret)[number - 1]

    def _name(self, secret: str) -> str:
        return f"projects/{self._project.number}/secrets/{secret}"

    def _show(self, secret: str) -> dict[str, Any]:
        notes = self._notes.get(secret, {})
        automatic: dict[str, Any] = {"replication": {"automatic": {}}}
        return {"name": self._name(secret)} | automatic | notes | {"etag": f'"{crc32c(repr(notes).encode()):012x}"'}

    def _show_version(self, secret: str, number: int) -> dict[str, Any]:
        state = self._stored(secret, number).state
        shown: dict[str, Any] = {
            "name": f"{self._name(secret)}/versions/{number}",
            "state": state,
            "replicationStatus": {"automatic": {}},
            "etag": f'"{crc32c(f"{secret} {number} {state}".encode()):012x}"',
        }
        return shown | self._version_notes.get((secret, number), {})


def _check_etag(given: str | None, current: str) -> None:
    if given and given != current:
        raise failed_precondition("The etag provided in the request does not match the resource's etag.")
