"""Define the steps on the function: its deployment and its deletion."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fullsend.operate.model import environment as env
from fullsend.operate.model.cloud_run_service import Service, environment_of, never_started, short
from fullsend.operate.model.edits import Edit
from fullsend.operate.model.names import FUNCTION
from fullsend.operate.model.replay import Replay
from fullsend.operate.model.sizing import NEW_MINT, Sizing
from fullsend.operate.operate_errors import AlreadyExists, NotReady
from fullsend.operate.plan.build_account import explain_build
from fullsend.operate.plan.steps.rendering import secrets_first, set_env_vars
from fullsend.operate.plan.steps.service_steps import EditEnvironment
from fullsend.operate.plan.steps.shell import gcloud

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.operate.gcp.cloud import Cloud
    from fullsend.operate.model.names import MintLocation
    from fullsend.operate.plan.bundle import Bundle

RUNTIME = "python312"
ENTRY_POINT = "mint"
CONCURRENCY = 80
SERVICE = {
    "availableCpu": "1",
    "availableMemory": "512Mi",
    "timeoutSeconds": 60,
    "maxInstanceRequestConcurrency": CONCURRENCY,
    "ingressSettings": "ALLOW_ALL",
    "allTrafficOnLatestRevision": True,
}
MASK = "description,buildConfig.runtime,buildConfig.entryPoint,buildConfig.source,serviceConfig"


@dataclass(frozen=True, slots=True)
class DeployFunction:
    """Upload the source and create or update the function, unless the same source and variables already serve."""

    sha256: str
    edit: Edit
    bundle: Bundle = field(repr=False, compare=False)
    base: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """The environment at planning time; the step uses the environment at its own time."""
    sizing: Sizing = NEW_MINT
    public: bool = False
    """Whether allUsers may already call the service."""
    pinned: bool = False
    """Whether traffic is pinned to a revision."""

    def title(self) -> str:
        """Return the step's title."""
        return f"upload the source {self.sha256[:12]} and build the function {FUNCTION} from it (takes minutes)"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands; the source's path is absolute, so they run in any folder.

        Without a flag, gcloud asks about unauthenticated calls, and with the negative flag it removes allUsers. An
        update of the function leaves traffic on a pinned revision.
        """
        variables = _own(self.edit.apply(self.base)) | {env.SOURCE_HASH: self.sha256}
        where = ("--project", location.project, "--region", location.region)
        source = ("--source", str(self.bundle.folder.absolute()))
        build = ("--gen2", "--runtime", RUNTIME, "--entry-point", ENTRY_POINT, *source, "--trigger-http")
        size = ("--cpu", "1", "--memory", "512Mi", "--timeout", "60s", "--concurrency", str(CONCURRENCY))
        account = ("--service-account", location.service_account)
        access = "--allow-unauthenticated" if self.public else "--no-allow-unauthenticated"
        options = (*build, *size, *self.sizing.flags(), *account, access)
        deploy = gcloud("functions", "deploy", FUNCTION, *where, *options)
        traffic = [gcloud("run", "services", "update-traffic", FUNCTION, *where, "--to-latest")]
        return [*secrets_first(variables), f"{deploy} {set_env_vars(variables)}", *(traffic if self.pinned else [])]

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        name = cloud.location.function
        function = cloud.functions.settled(name)  # an earlier run may still be building
        before = _variables(cloud, cloud.run.service(cloud.location.service), function)
        wanted = self.edit.apply(before or self.base)
        if function is not None and function.get("state") == "ACTIVE" and self._runs(before, wanted):
            return
        source = cloud.functions.upload(name.partition("/functions/")[0], self.bundle.data)
        read = cloud.run.service(
            cloud.location.service
        )  # read again, because others may have enrolled names during the upload
        before = _variables(cloud, read, function)
        variables = self.edit.apply(before or self.base) | {env.SOURCE_HASH: self.sha256}
        body = _body(cloud.location, source, variables, self.sizing)
        try:
            _build(cloud, body, exists=function is not None)
        except NotReady as error:
            raise explain_build(cloud, error) from error
        _keep_changes(cloud, read, self.sha256, self.edit)
        # Cloud Functions has no field for it; usually it is already on.
        EditEnvironment(Edit(), sizing=Sizing(cpu_boost=True)).apply(cloud)

    def _runs(self, before: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
        return before.get(env.SOURCE_HASH) == self.sha256 and wanted == before


def _build(cloud: Cloud, body: Mapping[str, Any], *, exists: bool) -> None:
    name = cloud.location.function
    if not exists:
        try:
            cloud.functions.create(name, body)
        except AlreadyExists:
            cloud.functions.settled(name)
        else:
            return
    cloud.functions.update(name, body, MASK)


def _variables(cloud: Cloud, raw: Mapping[str, Any] | None, function: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the service's variables, which enrollments change; without a service, the function's.

    After a rollback, return those of the serving revision, because the template still has the rolled-back ones.
    """
    if raw is None:
        return dict((function or {}).get("serviceConfig", {}).get("environmentVariables", {}))
    service = Service(raw)
    if service.starts_from_revision:
        serving = cloud.run.revision(f"{cloud.location.service}/revisions/{service.serving}")
        if serving is not None:
            return environment_of(serving)
    return dict(service.environment)


def _keep_changes(cloud: Cloud, read: Mapping[str, Any] | None, sha256: str, own: Edit) -> None:
    """Apply the changes again that others made on the service during the build, which overwrote them.

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
            return  # no other operator wrote since our read
        variables = environment_of(revision)
        if (_image(revision), variables.get(env.SOURCE_HASH)) == (built, sha256) or never_started(revision):
            continue
        # The newest revision before the build's has the last change.
        replay = Replay(before.environment, variables, own)
        if not replay.is_applied(now.environment):
            EditEnvironment(replay).apply(cloud)
        return


def _image(revision: Mapping[str, Any]) -> str:
    return str((revision.get("containers") or [{}])[0].get("image", ""))


def _own(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables without the one that Cloud Functions adds to the service."""
    return {name: value for name, value in variables.items() if name != "LOG_EXECUTION_ID"}


def _body(
    location: MintLocation, source: Mapping[str, Any], variables: Mapping[str, str], sizing: Sizing
) -> dict[str, Any]:
    service = {
        **SERVICE,
        "minInstanceCount": sizing.min_instances,
        "maxInstanceCount": sizing.max_instances,
        "serviceAccountEmail": location.service_account,
        "environmentVariables": _own(variables),
    }
    return {
        "name": location.function,
        "environment": "GEN_2",
        "description": "fullsend token mint",
        "buildConfig": {"runtime": RUNTIME, "entryPoint": ENTRY_POINT, "source": dict(source)},
        "serviceConfig": service,
    }


@dataclass(frozen=True, slots=True)
class DeleteFunction:
    """Delete the function with its Cloud Run service."""

    def title(self) -> str:
        """Return the step's title."""
        return f"delete the function {FUNCTION} with its Cloud Run service"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands."""
        where = ("--gen2", "--project", location.project, "--region", location.region)
        return [gcloud("functions", "delete", FUNCTION, *where)]

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        cloud.functions.settled(cloud.location.function)
        cloud.functions.delete(cloud.location.function)
