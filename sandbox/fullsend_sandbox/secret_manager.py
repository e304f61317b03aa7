"""Emulate the reading part of Secret Manager, `AccessSecretVersion`, and let tests set up secrets.

Google: Secret Manager REST v1, `projects.secrets.versions.access`. A loopback client sends no credentials, so
`deny` and `allow` decide per secret whether the mint may read. The operator's API is `google/secrets.py`.
"""

import base64
import threading
from dataclasses import dataclass, field, replace
from time import time

from werkzeug.wrappers import Request, Response

from fullsend_sandbox.clock import Clock
from fullsend_sandbox.crc32c import crc32c
from fullsend_sandbox.google_errors import google_error, google_json, no_such_method
from fullsend_sandbox.loopback import LoopbackService
from fullsend_sandbox.routes import Routes


@dataclass(frozen=True)
class SecretVersion:
    """One version: its data, their CRC32C, and whether it is ENABLED, DISABLED or DESTROYED."""

    data: bytes = field(repr=False)
    checksum: int
    state: str = "ENABLED"


@dataclass
class _Secret:
    versions: list[SecretVersion] = field(default_factory=list)
    readable: bool = True


class SecretManager(LoopbackService):
    """The secrets of one project, which goes by its number and by its id."""

    def __init__(self, project_number: str, project_id: str, *, clock: Clock = time) -> None:
        path = "/v1/projects/<project>/secrets/<secret>/versions/<version>:access"
        routes = Routes([("GET", path, self._access)], otherwise=no_such_method)
        super().__init__("secret-manager", routes, clock=clock)
        self._number = project_number
        self._projects = {project_number, project_id}
        self._state = threading.Lock()
        self._secrets: dict[str, _Secret] = {}

    def create_secret(self, secret: str) -> None:
        """Add a secret that has no versions yet."""
        with self._state:
            self._secrets.setdefault(secret, _Secret())

    def add_version(self, secret: str, data: bytes) -> int:
        """Add a version, and the secret if need be; return the version's number."""
        with self._state:
            versions = self._secrets.setdefault(secret, _Secret()).versions
            versions.append(SecretVersion(data, crc32c(data)))
            return len(versions)

    def disable(self, secret: str, version: int) -> None:
        """Disable a version, which can be undone."""
        self._set_state(secret, version, "DISABLED")

    def enable(self, secret: str, version: int) -> None:
        """Enable a version again."""
        self._set_state(secret, version, "ENABLED")

    def destroy(self, secret: str, version: int) -> None:
        """Destroy a version's data permanently; its number is never used again."""
        self._set_state(secret, version, "DESTROYED")

    def delete_secret(self, secret: str) -> None:
        """Remove a secret and all its versions."""
        with self._state:
            del self._secrets[secret]

    def deny(self, secret: str) -> None:
        """Take `secretmanager.secretAccessor` on a secret away from the mint."""
        self._set_readable(secret, readable=False)

    def allow(self, secret: str) -> None:
        """Grant it again."""
        self._set_readable(secret, readable=True)

    def secrets(self) -> list[str]:
        """Return the names of all secrets."""
        with self._state:
            return sorted(self._secrets)

    def versions(self, secret: str) -> list[SecretVersion]:
        """Return a secret's versions, the first first. Raises KeyError."""
        with self._state:
            return list(self._secrets[secret].versions)

    def clear(self) -> None:
        """Forget every secret."""
        with self._state:
            self._secrets.clear()

    def _set_state(self, secret: str, number: int, state: str) -> None:
        with self._state:
            versions = self._secrets[secret].versions
            old = versions[number - 1]
            data = b"" if state == "DESTROYED" else old.data
            versions[number - 1] = replace(old, state=state, data=data)

    def _set_readable(self, secret: str, *, readable: bool) -> None:
        with self._state:
            self._secrets[secret].readable = readable

    def _access(self, _request: Request, project: str, secret: str, version: str) -> Response:
        if project not in self._projects:
            return google_error("PERMISSION_DENIED", f"Permission denied on resource project {project}.")
        with self._state:
            found = self._secrets.get(secret)
            readable = found is None or found.readable
            versions = [] if found is None else list(found.versions)
        name = f"projects/{self._number}/secrets/{secret}"
        if not readable:
            return google_error(
                "PERMISSION_DENIED",
                "Permission 'secretmanager.versions.access' denied for resource "
                f"'{name}/versions/{version}' (or it may not exist).",
            )
        if not versions:
            return google_error("NOT_FOUND", f"Secret [{name}] not found or has no versions.")
        return _answer(name, version, versions)


def _answer(secret_name: str, version: str, versions: list[SecretVersion]) -> Response:
    """Answer for one version; `latest` is the newest in any state."""
    number = str(len(versions)) if version == "latest" else version
    name = f"{secret_name}/versions/{number}"
    if not (number.isascii() and number.isdigit()):
        return google_error("INVALID_ARGUMENT", f"The resource name [{name}] is not valid.")
    if not 1 <= int(number[:9]) <= len(versions):
        return google_error("NOT_FOUND", f"Secret Version [{name}] not found.")
    chosen = versions[int(number[:9]) - 1]
    if chosen.state != "ENABLED":
        return google_error("FAILED_PRECONDITION", f"Secret Version [{name}] is in {chosen.state} state.")
    data = base64.b64encode(chosen.data).decode()
    return google_json({"name": name, "payload": {"data": data, "dataCrc32c": str(chosen.checksum)}})
