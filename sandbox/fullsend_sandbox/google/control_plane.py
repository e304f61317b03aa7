"""Run Google Cloud's control plane for one project: all its APIs, and methods with which a test breaks them.

    with World() as world, ControlPlane(world) as control_plane:
        build("run", "v2", static_discovery=True, http=…,
              client_options={"api_endpoint": control_plane.endpoint("run")})

It shares secrets, pools and providers with the world, so a deployed mint works there. A call needs a bearer token,
`x-goog-user-project`, and its API enabled, as in a project made a minute ago.
"""

from contextlib import ExitStack
from fnmatch import fnmatchcase
from pathlib import Path
from time import time
from typing import Self

from fullsend_sandbox import names
from fullsend_sandbox.clock import AdjustableClock, Clock
from fullsend_sandbox.google.gateway import Gateway
from fullsend_sandbox.google.gcloud_environment import gcloud_environment
from fullsend_sandbox.google.host import ApiHost
from fullsend_sandbox.google.kills import WriteBudget
from fullsend_sandbox.google.login import Login
from fullsend_sandbox.google.parts import VERSIONS, Parts
from fullsend_sandbox.google.project import Project
from fullsend_sandbox.google.runner import ProcessRunner, Runner
from fullsend_sandbox.google.services import KNOWN
from fullsend_sandbox.google.switches import Switches
from fullsend_sandbox.google.uploads import Uploads
from fullsend_sandbox.loopback import LoopbackService
from fullsend_sandbox.world import World

REGION = "us-central1"
BUCKET = f"gcf-v2-uploads-{names.PROJECT_NUMBER}-{REGION}"
OVERRIDE = "CLOUDSDK_API_ENDPOINT_OVERRIDES_"
POINTERS = ("OIDC_ISSUER_URL", "STS_URL", "SECRET_MANAGER_URL", "GITHUB_API_URL")


class ControlPlane:
    """A context manager; `clock.offset` moves its time, for operations, deletions and new accounts alike.

    Give `runner=EmulatedRunner()` where a deployed function need not mint. Create a new one after `world.reset()`.
    """

    def __init__(self, world: World, *, runner: Runner | None = None, clock: Clock = time) -> None:
        """Join a world that is started."""
        self.clock = AdjustableClock(clock)
        self.project = Project(names.PROJECT_ID, names.PROJECT_NUMBER, self.clock)
        self._world = world
        self._switches = Switches(self.project)
        self._budget = WriteBudget()
        pointers = {name: value for name, value in world.mint_environment().items() if name in POINTERS}
        pointers["KMS_URL"] = world.kms.url
        self._uploads = Uploads(BUCKET, budget=self._budget, clock=self.clock)
        self._gateway = Gateway(self._targets, clock=self.clock)
        self._login = Login(self.project, self._switches, clock=self.clock)
        self._parts = Parts.build(
            world, self.project, self._switches, self._uploads, runner or ProcessRunner(pointers)
        )
        self._hosts = {api: self._host(api, versions) for api, versions in VERSIONS.items()}
        self._running = ExitStack()

    def start(self) -> Self:
        """Start every API. Raises OSError if no port is free."""
        with ExitStack() as started:
            for service in self.services():
                service.start()
                started.callback(service.stop)
            self._running = started.pop_all()
        return self

    def stop(self) -> None:
        """End every function and every API; may be called again."""
        self._parts.background.join()
        for service in list(self._parts.deployments.services.values()):
            self._parts.deployments.remove(service)
        self._parts.deployments.services.clear()
        self._running.close()
        self._parts.builds.close()

    def wait_for_work(self, seconds: float) -> bool:
        """Wait for builds, revisions and deletions that run now, at most this long each; tell whether any ran."""
        return self._parts.background.join(seconds)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def services(self) -> tuple[LoopbackService, ...]:
        """Return every API host, the upload bucket and the sign-in, so a test can break or count all of them."""
        return (*self._hosts.values(), self._uploads, self._login, self._gateway)

    def host(self, api: str) -> LoopbackService:
        """Return one API's server, for its `traffic` and `faults`; for example `run`. Raises ValueError."""
        if api not in self._hosts:
            raise ValueError(f"the sandbox has no API {api!r}; it has {', '.join(sorted(self._hosts))}")
        return self._hosts[api]

    def endpoint(self, api: str) -> str:
        """Return the `client_options.api_endpoint` of an API, such as `cloudfunctions`."""
        return f"{self.host(api).url}/"

    def environment(self, credentials: Path | None = None) -> dict[str, str]:
        """Return the environment of a command that uses this control plane, with gcloud's variables.

        It has an access token; with a path, it names the credentials that are written there.
        """
        overrides = {f"{OVERRIDE}{api.upper()}": self.endpoint(api) for api in self._hosts}
        if credentials is None:
            return overrides | {"CLOUDSDK_AUTH_ACCESS_TOKEN": self.access_token()}
        self.write_credentials(credentials)
        return overrides | {"GOOGLE_APPLICATION_CREDENTIALS": str(credentials)}

    def gcloud_environment(self, folder: Path) -> dict[str, str]:
        """Write an access token into `folder`; return what gcloud needs beside the endpoints of `environment`.

        gcloud gets a configuration of its own there, so it neither reads nor changes the user's.
        """
        return gcloud_environment(folder, self.access_token(), project=self.project.id, port=self._gateway.port)

    @property
    def proxy_url(self) -> str:
        """The HTTP proxy that knows the regional names which gcloud makes of Cloud Run's address."""
        return self._gateway.url

    def access_token(self, *, of_user: bool = False) -> str:
        """Return a bearer token of the operator, valid until `expire_login`; a user's needs a quota project."""
        return self._login.access_token(of_user=of_user)

    def write_credentials(self, path: Path) -> None:
        """Write a file for `GOOGLE_APPLICATION_CREDENTIALS`: a service account whose tokens come from here."""
        self._login.write_credentials(path)

    def headers(self) -> dict[str, str]:
        """Return the headers that every call needs."""
        return {"Authorization": f"Bearer {self.access_token()}", "x-goog-user-project": self.project.id}

    def new_project(self) -> None:
        """Remove the secrets, pools and providers with which the world began."""
        self._world.secret_manager.clear()
        self._world.kms.clear()
        self._world.federation.clear()

    def without_default_grants(self) -> None:
        """Leave the default account without a role, as an organization policy does for new projects."""
        self._parts.of_project.clear("project")

    def grant_above(self, role: str, email: str) -> None:
        """Give a service account a role on the folder of the project, which the project's policy does not show."""
        self._parts.build_accounts.inherited.setdefault(f"serviceAccount:{email}", set()).add(role)

    def enable(self, *apis: str) -> None:
        """Enable APIs such as `run`, or every one."""
        self._switches.enabled |= {f"{api}.googleapis.com" for api in apis} or KNOWN

    def disable(self, *apis: str) -> None:
        """Disable APIs such as `run`."""
        self._switches.enabled -= {f"{api}.googleapis.com" for api in apis}

    def deny(self, permission: str) -> None:
        """Take a permission such as `secretmanager.versions.add` away from the operator.

        Raises ValueError for a permission that no method requires, because denying it would have no effect.
        """
        if permission not in self._parts.permissions():
            raise ValueError(f"no method of the sandbox asks for the permission {permission!r}")
        self._switches.deny(permission)

    def allow(self, permission: str) -> None:
        """Grant it again."""
        self._switches.allow(permission)

    def expire_login(self) -> None:
        """Make every present access token expire: 401."""
        self._switches.expire()

    def limit(self, method: str, times: int) -> None:
        """Answer the next calls with 429; `run.projects.locations.services.patch`, or a glob such as `iam.*`.

        Raises ValueError where the sandbox answers no such method.
        """
        if not any(fnmatchcase(known, method) for known in self._parts.methods()):
            raise ValueError(f"the sandbox answers no method {method!r}")
        self._switches.limit(method, times)

    def slow_operations(self, seconds: float) -> None:
        """Let each new operation take this long by `clock` before it reports done."""
        self._parts.operations.seconds = seconds

    def slow_service_accounts(self, seconds: float) -> None:
        """Let IAM policies and functions know a new service account only after this long by `clock`."""
        self._parts.accounts.visible_after = seconds

    def slow_metrics(self, seconds: float) -> None:
        """Let alert policies know a new log-based metric only after this long by `clock`."""
        self._parts.metrics.visible_after = seconds

    def fail_after(self, writes: int, *, lose_last_answer: bool = False) -> None:
        """Let this many writes succeed, on all APIs together, then drop the connection of each further one.

        With `lose_last_answer` the last write is carried out, but its answer is lost.
        """
        self._budget.set(writes, lose_last_answer=lose_last_answer)

    def stop_failing(self) -> None:
        """End `fail_after`."""
        self._budget.set(None)

    @property
    def writes(self) -> int:
        """The number of writes that have succeeded, with uploads."""
        return self._budget.done

    def function_url(self, name: str = "fullsend-mint", region: str = REGION) -> str:
        """Return the address of a deployed function. Raises KeyError."""
        door = self._parts.deployments.services[self._service_name(name, region)].door
        if door is None:
            raise KeyError(name)
        return door.url

    def logs(self, name: str = "fullsend-mint", region: str = REGION) -> list[str]:
        """Return what the revisions that run have printed. Raises KeyError."""
        revisions = self._parts.deployments.services[self._service_name(name, region)].revisions
        return [line for one in revisions if one.running is not None for line in one.running.logs()]

    def wait(self) -> None:
        """Wait until all running work is done: builds, revisions, deletions."""
        self._parts.background.join()

    def _service_name(self, name: str, region: str) -> str:
        return f"projects/{self.project.id}/locations/{region}/services/{name}"

    def _targets(self) -> tuple[LoopbackService, ...]:
        doors = [service.door for service in self._parts.deployments.services.values()]
        return (*self._hosts.values(), self._uploads, *(door for door in doors if door is not None))

    def _host(self, api: str, versions: tuple[str, ...]) -> ApiHost:
        return ApiHost(
            api,
            versions,
            self._parts.endpoints[api],
            project=self.project,
            switches=self._switches,
            budget=self._budget,
            lock=self._parts.lock,
            clock=self.clock,
        )
