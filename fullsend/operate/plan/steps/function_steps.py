"""Steps on the function: its source, its deletion, who may call it, and whether it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fullsend.client.mint_health import probe
from fullsend.operate.model import environment as env
from fullsend.operate.model.cloud_run_service import Service, environment_of, never_started, short
from fullsend.operate.model.names import FUNCTION
from fullsend.operate.model.replay import Replay
from fullsend.operate.operate_errors import AlreadyExists, NotReady
from fullsend.operate.plan.steps.rendering import secrets_first, update_env_vars
from fullsend.operate.plan.steps.service_steps import EditEnvironment
from fullsend.operate.plan.steps.shell import gcloud

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.operate.gcp.cloud import Cloud
    from fullsend.operate.model.environment import Edit
    from fullsend.operate.model.names import MintLocation
    from fullsend.operate.plan.bundle import Bundle

RUNTIME = "python312"
ENTRY_POINT = "mint"
CONCURRENCY = 80
SERVICE = {
    "availableCpu": "1",
    "availableMemory": "512Mi",
    "timeoutSeconds": 60,
    "maxInstanceCount": 20,
    "maxInstanceRequestConcurrency": CONCURRENCY,
    "ingressSettings": "ALLOW_ALL",
    "allTrafficOnLatestRevision": True,
}
MASK = "description,buildConfig.runtime,buildConfig.entryPoint,buildConfig.source,serviceConfig"
HEALTH_SECONDS = 300.0
HEALTH_FIRST = 2.0
HEALTH_LONGEST = 30.0


@dataclass(frozen=True, slots=True)
class DeployFunction:
    """Upload the source and create or update the function; skipped when the hash runs already."""

    sha256: str
    edit: Edit
    bundle: Bundle = field(repr=False, compare=False)
    base: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """The environment the plan was made with; what is there when the step is taken counts more."""

    def title(self) -> str:
        """Say what it does."""
        return f"upload the source {self.sha256[:12]} and build the function {FUNCTION} from it (takes minutes)"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return it as shell commands; the source is named by its whole path, so that they run in any folder."""
        variables = self.edit.apply(self.base) | {env.SOURCE_HASH: self.sha256}
        where = ("--gen2", "--project", location.project, "--region", location.region)
        source = ("--source", str(self.bundle.folder.absolute()))
        build = ("--runtime", RUNTIME, "--entry-point", ENTRY_POINT, *source, "--trigger-http")
        size = ("--cpu", "1", "--memory", "512Mi", "--timeout", "60s", "--concurrency", str(CONCURRENCY))
        run = ("--service-account", location.service_account, "--max-instances", "20")
        command = gcloud("functions", "deploy", FUNCTION, *where, *build, *size, *run)
        return [*secrets_first(variables), f"{command} {update_env_vars(variables)}"]

    def apply(self, cloud: Cloud) -> None:
        """Do it."""
        name = cloud.location.function
        function = cloud.functions.settled(name)  # a run before this one may still be building
        before = _variables(cloud.run.service(cloud.location.service), function)
        wanted = self.edit.apply(before or self.base)
        if function is not None and function.get("state") == "ACTIVE" and self._runs(before, wanted):
            return
        source = cloud.functions.upload(name.partition("/functions/")[0], self.bundle.data)
        read = cloud.run.service(cloud.location.service)  # again: the upload takes a while, and enrollments go on
        before = _variables(read, function)
        body = _body(cloud.location, source, self.edit.apply(before or self.base) | {env.SOURCE_HASH: self.sha256})
        if function is None:
            try:
                cloud.functions.create(name, body)
            except AlreadyExists:
                cloud.functions.settled(name)
                cloud.functions.update(name, body, MASK)
        else:
            cloud.functions.update(name, body, MASK)
        _keep_changes(cloud, read, self.sha256, self.edit)

    def _runs(self, before: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
        return before.get(env.SOURCE_HASH) == self.sha256 and wanted == before


def _variables(service: Mapping[str, Any] | None, function: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the service's variables, for enrollments change those alone; else the function's."""
    if service is not None:
        return dict(Service(service).environment)
    return dict((function or {}).get("serviceConfig", {}).get("environmentVariables", {}))


def _keep_changes(cloud: Cloud, read: Mapping[str, Any] | None, sha256: str, own: Edit) -> None:
    """Write again what others changed on the service while the function was being built over it.

    `read` is the service as it was before the build.
    """
    raw = cloud.run.service(cloud.location.service)
    if raw is None or read is None:
        return
    before, now = Service(read), Service(raw)
    revisions = cloud.run.revisions(cloud.location.service)
    built = next((_image(one) for one in revisions if short(one["name"]) == now.latest_created), "")
    for revision in revisions:
        if short(revision["name"]) == before.latest_created:
            return  # nobody wrote after we read
        variables = environment_of(revision)
        if (_image(revision), variables.get(env.SOURCE_HASH)) == (built, sha256) or never_started(revision):
            continue
        # The newest revision before the build's own is where the last change went.
        replay = Replay(before.environment, variables, own)
        if not replay.holds(now.environment):
            EditEnvironment(replay).apply(cloud)
        return


def _image(revision: Mapping[str, Any]) -> str:
    return str((revision.get("containers") or [{}])[0].get("image", ""))


def _body(location: MintLocation, source: Mapping[str, Any], variables: Mapping[str, str]) -> dict[str, Any]:
    # Cloud Functions adds LOG_EXECUTION_ID to the service by itself.
    own = {name: value for name, value in variables.items() if name != "LOG_EXECUTION_ID"}
    return {
        "name": location.function,
        "environment": "GEN_2",
        "description": "fullsend token mint",
        "buildConfig": {"runtime": RUNTIME, "entryPoint": ENTRY_POINT, "source": dict(source)},
        "serviceConfig": {**SERVICE, "serviceAccountEmail": location.service_account, "environmentVariables": own},
    }


@dataclass(frozen=True, slots=True)
class DeleteFunction:
    """Delete the function with its Cloud Run service."""

    def title(self) -> str:
        """Say what it does."""
        return f"delete the function {FUNCTION} with its Cloud Run service"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return it as shell commands."""
        where = ("--gen2", "--project", location.project, "--region", location.region, "--quiet")
        return [gcloud("functions", "delete", FUNCTION, *where)]

    def apply(self, cloud: Cloud) -> None:
        """Do it."""
        cloud.functions.settled(cloud.location.function)
        cloud.functions.delete(cloud.location.function)


@dataclass(frozen=True, slots=True)
class MakePublic:
    """Let everybody reach the mint; whose token is good is for the mint to say."""

    def title(self) -> str:
        """Say what it does."""
        return "let allUsers call the Cloud Run service (the mint itself checks each caller's token)"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return it as shell commands."""
        where = ("--project", location.project, "--region", location.region)
        policy = ("--member", "allUsers", "--role", "roles/run.invoker")
        return [gcloud("run", "services", "add-iam-policy-binding", FUNCTION, *where, *policy)]

    def apply(self, cloud: Cloud) -> None:
        """Do it."""
        cloud.run.make_public(cloud.location.service)


@dataclass(frozen=True, slots=True)
class WaitHealthy:
    """Wait until the mint refuses an empty request and reports the version."""

    version: str

    def title(self) -> str:
        """Say what it does."""
        return f"wait until POST /v1/token answers 401 and /health reports version {self.version}"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return it as shell commands."""
        where = (FUNCTION, "--gen2", "--project", location.project, "--region", location.region)
        url = gcloud("functions", "describe", *where, "--format", "value(url)")
        return [f'curl -s -o /dev/null -w "%{{http_code}}\\n" -X POST "$({url})/v1/token"  # 401']

    def apply(self, cloud: Cloud) -> None:
        """Do it."""
        function = cloud.functions.get(cloud.location.function) or {}
        url = str(function.get("url") or function.get("serviceConfig", {}).get("uri", "")).rstrip("/")
        session, pause = cloud.session, HEALTH_FIRST
        ends = session.now() + HEALTH_SECONDS
        while (found := probe(url)).refuses is not True or found.version != self.version:
            if session.now() + pause > ends:
                raise NotReady(
                    f"The mint at {url} is deployed and not healthy after {HEALTH_SECONDS:.0f} s: {found.said}.",
                    f"gcloud run services logs read {FUNCTION} --project {cloud.location.project} --region "
                    f"{cloud.location.region} shows what it says, fullsend mint doctor what is wrong around it.",
                )
            session.sleep(pause)
            pause = min(HEALTH_LONGEST, pause * 2)
