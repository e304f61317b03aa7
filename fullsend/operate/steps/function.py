"""Steps on the function: its source, its deletion, who may call it, and whether it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fullsend.operate import environment as env
from fullsend.operate.environment import Edit
from fullsend.operate.errors import AlreadyExists, NotReady
from fullsend.operate.health import probe
from fullsend.operate.names import FUNCTION
from fullsend.operate.service import Service, environment_of
from fullsend.operate.steps.service import EditEnvironment
from fullsend.operate.steps.shell import gcloud
from fullsend.operate.steps.shown import secrets_first, update_env_vars

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.operate.bundle import Bundle
    from fullsend.operate.gcp.cloud import Cloud
    from fullsend.operate.names import Place
    from mintcore.policy.names import Org, Repo

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

    def gcloud(self, place: Place) -> list[str]:
        """Return it as shell commands; the source is named by its whole path, so that they run in any folder."""
        variables = self.edit.apply(self.base) | {env.SOURCE_HASH: self.sha256}
        where = ("--gen2", "--project", place.project, "--region", place.region)
        source = ("--source", str(self.bundle.folder.absolute()))
        build = ("--runtime", RUNTIME, "--entry-point", ENTRY_POINT, *source, "--trigger-http")
        size = ("--cpu", "1", "--memory", "512Mi", "--timeout", "60s", "--concurrency", str(CONCURRENCY))
        run = ("--service-account", place.service_account, "--max-instances", "20")
        command = gcloud("functions", "deploy", FUNCTION, *where, *build, *size, *run)
        return [*secrets_first(variables), f"{command} {update_env_vars(variables)}"]

    def take(self, cloud: Cloud) -> None:
        """Do it."""
        name = cloud.place.function
        function = cloud.functions.settled(name)  # a run before this one may still be building
        before = _variables(cloud, function)
        wanted = self.edit.apply(before or self.base)
        if function is not None and function.get("state") == "ACTIVE" and self._runs(before, wanted):
            return
        source = cloud.functions.upload(name.partition("/functions/")[0], self.bundle.data)
        before = _variables(cloud, function)  # again: the upload takes a while, and enrolments go on
        body = _body(cloud.place, source, self.edit.apply(before or self.base) | {env.SOURCE_HASH: self.sha256})
        if function is None:
            try:
                cloud.functions.create(name, body)
            except AlreadyExists:
                cloud.functions.settled(name)
                cloud.functions.update(name, body, MASK)
        else:
            cloud.functions.update(name, body, MASK)
        _keep_enrolments(cloud, before)

    def _runs(self, before: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
        return before.get(env.SOURCE_HASH) == self.sha256 and wanted == before


def _variables(cloud: Cloud, function: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the service's variables, for enrolments change those alone; else the function's."""
    raw = cloud.run.service(cloud.place.service)
    if raw is not None:
        return dict(Service(raw).environment)
    return dict((function or {}).get("serviceConfig", {}).get("environmentVariables", {}))


def _keep_enrolments(cloud: Cloud, before: Mapping[str, str]) -> None:
    """Write again what was enrolled on the service while the function was being built over it."""
    raw = cloud.run.service(cloud.place.service)
    if raw is None:
        return
    now = Service(raw).environment
    known, latest = {org.key for org in env.orgs(before)}, {org.key for org in env.orgs(now)}
    known_repos, latest_repos = set(env.repos(before)), set(env.repos(now))
    orgs: dict[str, Org] = {}
    repos: dict[str, Repo] = {}
    for revision in cloud.run.revisions(cloud.place.service)[:10]:
        variables = environment_of(revision)
        if variables.get(env.SOURCE_HASH) != before.get(env.SOURCE_HASH):
            continue
        orgs |= {org.key: org for org in env.orgs(variables) if org.key not in known | latest}
        repos |= {str(repo): repo for repo in env.repos(variables) if repo not in known_repos | latest_repos}
        break  # the newest revision of the source before is where the last enrolment went
    edit = Edit(add_orgs=tuple(orgs.values()), add_repos=tuple(repos.values()))
    if orgs or repos:
        EditEnvironment(edit).take(cloud)


def _body(place: Place, source: Mapping[str, Any], variables: Mapping[str, str]) -> dict[str, Any]:
    # Cloud Functions adds LOG_EXECUTION_ID to the service by itself.
    own = {name: value for name, value in variables.items() if name != "LOG_EXECUTION_ID"}
    return {
        "name": place.function,
        "environment": "GEN_2",
        "description": "fullsend token mint",
        "buildConfig": {"runtime": RUNTIME, "entryPoint": ENTRY_POINT, "source": dict(source)},
        "serviceConfig": {**SERVICE, "serviceAccountEmail": place.service_account, "environmentVariables": own},
    }


@dataclass(frozen=True, slots=True)
class DeleteFunction:
    """Delete the function with its Cloud Run service."""

    def title(self) -> str:
        """Say what it does."""
        return f"delete the function {FUNCTION} with its Cloud Run service"

    def gcloud(self, place: Place) -> list[str]:
        """Return it as shell commands."""
        where = ("--gen2", "--project", place.project, "--region", place.region, "--quiet")
        return [gcloud("functions", "delete", FUNCTION, *where)]

    def take(self, cloud: Cloud) -> None:
        """Do it."""
        cloud.functions.settled(cloud.place.function)
        cloud.functions.delete(cloud.place.function)


@dataclass(frozen=True, slots=True)
class MakePublic:
    """Let everybody reach the mint; whose token is good is for the mint to say."""

    def title(self) -> str:
        """Say what it does."""
        return "let allUsers call the Cloud Run service (the mint itself checks each caller's token)"

    def gcloud(self, place: Place) -> list[str]:
        """Return it as shell commands."""
        where = ("--project", place.project, "--region", place.region)
        policy = ("--member", "allUsers", "--role", "roles/run.invoker")
        return [gcloud("run", "services", "add-iam-policy-binding", FUNCTION, *where, *policy)]

    def take(self, cloud: Cloud) -> None:
        """Do it."""
        cloud.run.make_public(cloud.place.service)


@dataclass(frozen=True, slots=True)
class WaitHealthy:
    """Wait until the mint refuses an empty request and reports the version."""

    version: str

    def title(self) -> str:
        """Say what it does."""
        return f"wait until POST /v1/token answers 401 and /health reports version {self.version}"

    def gcloud(self, place: Place) -> list[str]:
        """Return it as shell commands."""
        where = (FUNCTION, "--gen2", "--project", place.project, "--region", place.region)
        url = gcloud("functions", "describe", *where, "--format", "value(url)")
        return [f'curl -s -o /dev/null -w "%{{http_code}}\\n" -X POST "$({url})/v1/token"  # 401']

    def take(self, cloud: Cloud) -> None:
        """Do it."""
        function = cloud.functions.get(cloud.place.function) or {}
        url = str(function.get("url") or function.get("serviceConfig", {}).get("uri", "")).rstrip("/")
        session, pause = cloud.session, HEALTH_FIRST
        ends = session.now() + HEALTH_SECONDS
        while (found := probe(url)).refuses is not True or found.version != self.version:
            if session.now() + pause > ends:
                raise NotReady(
                    f"The mint at {url} is deployed and not healthy after {HEALTH_SECONDS:.0f} s: {found.said}.",
                    f"gcloud run services logs read {FUNCTION} --project {cloud.place.project} --region "
                    f"{cloud.place.region} shows what it says, fullsend mint doctor what is wrong around it.",
                )
            session.sleep(pause)
            pause = min(HEALTH_LONGEST, pause * 2)
