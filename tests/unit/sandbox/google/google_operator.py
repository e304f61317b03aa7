"""An operator at work with google-api-python-client, for the tests of the control plane."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from functools import cached_property
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, TypeVar

import urllib3
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fullsend_sandbox.google.control_plane import ControlPlane

Answer = TypeVar("Answer")
ROOT = Path(__file__).resolve().parents[4]
PROJECT = "projects/octo-project"
NUMBER = "123456789012"
GLOBAL = f"{PROJECT}/locations/global"
REGION = f"{PROJECT}/locations/us-central1"
POOL = f"{GLOBAL}/workloadIdentityPools/fullsend-pool"
SERVICE = f"{REGION}/services/fullsend-mint"
FUNCTION = f"{REGION}/functions/fullsend-mint"
ACCOUNT = "fullsend-mint@octo-project.iam.gserviceaccount.com"
PROVIDER = {
    "attributeMapping": {"google.subject": "assertion.repository_id + ':' + assertion.run_id"},
    "attributeCondition": "assertion.repository_owner == 'octo-org'",
    "oidc": {
        "issuerUri": "https://token.actions.githubusercontent.com",
        "allowedAudiences": ["fullsend-mint"],
    },
}
STAND_IN_ENVIRONMENT = {
    "ROLE_APP_IDS": "{}",
    "GCP_PROJECT_NUMBER": NUMBER,
    "WIF_POOL_NAME": "fullsend-pool",
    "WIF_PROVIDER_NAME": "github-oidc",
}


def source(**files: str) -> bytes:
    """Zip a source of these files, by default one that a stand-in can run."""
    buffer = io.BytesIO()
    given = files or {"main.py": "mint = None\n", "mintcore/version.py": 'VERSION = "1.2.3"\n'}
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in given.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def real_source() -> bytes:
    """Zip the mint as it is deployed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in [ROOT / "main.py", ROOT / "requirements.txt", *sorted((ROOT / "mintcore").rglob("*.py"))]:
            archive.write(path, path.relative_to(ROOT))
    return buffer.getvalue()


def refusal(request: Any) -> tuple[int, str, str]:
    """Send a request that must be refused; return HTTP status, canonical status and message."""
    try:
        request.execute()
    except HttpError as error:
        body = json.loads(error.content)["error"]
        return body["code"], body["status"], body["message"]
    raise AssertionError("it was not refused")


class Operator:
    """The clients, and the steps that many tests need."""

    def __init__(self, control_plane: ControlPlane) -> None:
        self.control_plane = control_plane
        self._clients: list[Any] = []
        self.credentials = Credentials(control_plane.access_token(), quota_project_id=control_plane.project.id)

    # A client is built where a test needs it: from its discovery document, which takes milliseconds.
    @cached_property
    def _iam(self) -> Any:
        return self.api("iam", "v1").projects()

    @cached_property
    def accounts(self) -> Any:
        return self._iam.serviceAccounts()

    @cached_property
    def pools(self) -> Any:
        return self._iam.locations().workloadIdentityPools()

    @cached_property
    def providers(self) -> Any:
        return self.pools.providers()

    @cached_property
    def secrets(self) -> Any:
        return self.api("secretmanager", "v1").projects().secrets()

    @cached_property
    def versions(self) -> Any:
        return self.secrets.versions()

    @cached_property
    def _functions(self) -> Any:
        return self.api("cloudfunctions", "v2").projects().locations()

    @cached_property
    def functions(self) -> Any:
        return self._functions.functions()

    @cached_property
    def function_operations(self) -> Any:
        return self._functions.operations()

    @cached_property
    def _run(self) -> Any:
        return self.api("run", "v2").projects().locations()

    @cached_property
    def services(self) -> Any:
        return self._run.services()

    @cached_property
    def run_operations(self) -> Any:
        return self._run.operations()

    @cached_property
    def _usage(self) -> Any:
        return self.api("serviceusage", "v1")

    @cached_property
    def usage(self) -> Any:
        return self._usage.services()

    @cached_property
    def usage_operations(self) -> Any:
        return self._usage.operations()

    @cached_property
    def projects(self) -> Any:
        return self.api("cloudresourcemanager", "v3").projects()

    def api(self, name: str, version: str) -> Any:
        """Return google-api-python-client's own client, pointed at the sandbox."""
        client = build(
            name,
            version,
            credentials=self.credentials,
            static_discovery=True,
            cache_discovery=False,
            client_options={"api_endpoint": self.control_plane.endpoint(name)},
        )
        self._clients.append(client)
        return client

    def close(self) -> None:
        """Close every connection."""
        for client in self._clients:
            client.close()

    def upload(self, archive: bytes) -> dict[str, str]:
        """Upload a source as the signed URL wants it."""
        offer = self.functions.generateUploadUrl(parent=REGION, body={"environment": "GEN_2"}).execute()
        answer = urllib3.request(
            "PUT", offer["uploadUrl"], body=archive, headers={"Content-Type": "application/zip"}, retries=False
        )
        assert answer.status == 200
        storage: dict[str, str] = offer["storageSource"]
        return storage

    def function(self, archive: bytes, **environment: str) -> dict[str, Any]:
        """Return a function's body, its source uploaded."""
        return {
            "buildConfig": {
                "runtime": "python312",
                "entryPoint": "mint",
                "source": {"storageSource": self.upload(archive)},
            },
            "serviceConfig": {"environmentVariables": environment},
        }

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        """Create the function and return its finished operation."""
        begun = self.functions.create(parent=REGION, functionId="fullsend-mint", body=body).execute()
        return finished(begun, self.function_operations)

    def deploy_stand_in(self) -> dict[str, Any]:
        """Create a function that only looks like a mint; return its service."""
        assert "error" not in self.create(self.function(source(), **STAND_IN_ENVIRONMENT))
        return self.service()

    def service(self) -> dict[str, Any]:
        """Read the Cloud Run service."""
        service: dict[str, Any] = self.services.get(name=SERVICE).execute()
        return service

    def with_variable(self, service: dict[str, Any], name: str, value: str) -> dict[str, Any]:
        """Return a patch of the service that adds a variable, guarded by the etag that was read."""
        container = service["template"]["containers"][0]
        changed = container | {"env": [*container["env"], {"name": name, "value": value}]}
        return {"template": service["template"] | {"containers": [changed]}, "etag": service["etag"]}

    def patch(self, body: dict[str, Any], mask: str) -> dict[str, Any]:
        """Patch the service and return the finished operation."""
        begun = self.services.patch(name=SERVICE, updateMask=mask, body=body).execute()
        return finished(begun, self.run_operations)

    def open_door(self) -> None:
        """Let all users call the function."""
        policy = {"bindings": [{"role": "roles/run.invoker", "members": ["allUsers"]}]}
        self.services.setIamPolicy(resource=SERVICE, body={"policy": policy}).execute()

    def make_account(self) -> None:
        """Make the service account and wait until policies know it."""
        self.control_plane.slow_service_accounts(0)
        self.accounts.create(name=PROJECT, body={"accountId": "fullsend-mint"}).execute()

    def make_secret(self, name: str, data: bytes) -> str:
        """Make a secret with one version and return the secret's name."""
        self.secrets.create(parent=PROJECT, secretId=name, body={"replication": {"automatic": {}}}).execute()
        encoded = base64.b64encode(data).decode()
        self.secrets.addVersion(parent=f"{PROJECT}/secrets/{name}", body={"payload": {"data": encoded}}).execute()
        return f"{PROJECT}/secrets/{name}"

    def make_provider(self) -> None:
        """Make the pool and its provider."""
        self.pools.create(parent=GLOBAL, workloadIdentityPoolId="fullsend-pool", body={}).execute()
        self.providers.create(parent=POOL, workloadIdentityPoolProviderId="github-oidc", body=PROVIDER).execute()


def finished(operation: dict[str, Any], operations: Any) -> dict[str, Any]:
    """Poll an operation until it is done."""

    def poll() -> dict[str, Any] | None:
        current: dict[str, Any] = operations.get(name=operation["name"]).execute()
        return current if current.get("done") else None

    return eventually(poll)


def eventually(ask: Callable[[], Answer | None], within: float = 60.0) -> Answer:
    """Ask until there is an answer."""
    deadline = monotonic() + within
    while (answer := ask()) is None:
        assert monotonic() < deadline, "it did not happen in time"
        sleep(0.02)
    return answer
