"""Define the step that changes the running mint's environment on the Cloud Run service, without a rebuild."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fullsend.operate.model.cloud_run_service import Service, edited, environment_of
from fullsend.operate.model.issuer_list import CALLERS
from fullsend.operate.model.names import FUNCTION
from fullsend.operate.model.sizing import UNCHANGED, Sizing
from fullsend.operate.operate_errors import Conflict, NotReady, NotThere
from fullsend.operate.plan.steps.rendering import listed, masked, secrets_first, set_env_vars
from fullsend.operate.plan.steps.shell import gcloud

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from fullsend.operate.gcp.cloud import Cloud
    from fullsend.operate.model.edits import Change
    from fullsend.operate.model.names import MintLocation

CONFLICTS = 200
LOOKS = 150
FIRST_PAUSE = 0.2
MAX_PAUSE = 2.0
AGAIN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class EditEnvironment:
    """Apply an edit to the environment of the serving revision.

    `changes` is the difference to the environment at planning time, for display. The step applies the edit to the
    environment at its own time.
    """

    edit: Change
    changes: Mapping[str, str] = field(default_factory=dict)
    sizing: Sizing = UNCHANGED
    whole: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """The environment after the edit, for the gcloud command."""
    image: str = field(default="", repr=False, compare=False)
    """The serving revision's image, if the template has another after a rollback."""
    entries: tuple[str, ...] = field(default=(), compare=False)
    """The changes of CALLERS, which the title shows instead of the whole list."""

    def title(self) -> str:
        """Return the step's title."""
        variables = {name: value for name, value in self.changes.items() if name != CALLERS or not self.entries}
        shown = [*([listed(variables)] if variables else []), *self.sizing.shown()]
        if self.entries:
            shown.append(f"{CALLERS}: {masked(CALLERS, '; '.join(self.entries))}")
        return f"set on the Cloud Run service and move traffic there once it is ready: {', '.join(shown)}"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return it as shell commands.

        They set the whole environment of the plan, so a removed variable stays removed. gcloud guards only its own
        read and write, with the service's resourceVersion; writes between the plan and the script are lost.
        """
        where = (FUNCTION, "--project", location.project, "--region", location.region)
        image = ("--image", self.image) if self.image else ()
        update = gcloud("run", "services", "update", *where, *self.sizing.flags(), *image)
        return [
            *secrets_first(self.whole),
            f"{update} {set_env_vars(self.whole)}",
            gcloud("run", "services", "update-traffic", *where, "--to-latest"),
        ]

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        for _ in range(CONFLICTS):
            try:
                operation = self._write(cloud)
            except Conflict:
                cloud.run.wait_random(AGAIN_SECONDS)
                continue
            if operation is not None:
                self._finish(cloud, operation)
            if self._holds(cloud):
                return
        raise NotReady(
            f"The Cloud Run service was changed by other operators {CONFLICTS} times in a row; this command "
            "changed nothing.",
            "Run the command again when they are done.",
        )

    def _write(self, cloud: Cloud) -> dict[str, Any] | None:
        service = _service(cloud)
        serving = None
        if service.starts_from_revision:
            serving = cloud.run.revision(f"{cloud.location.service}/revisions/{service.serving}")
        body = edited(service, serving, self.edit, self.sizing)
        return None if body is None else cloud.run.update(cloud.location.service, body)

    @staticmethod
    def _finish(cloud: Cloud, operation: dict[str, Any]) -> None:
        try:
            cloud.run.finish(operation)
        except NotReady as error:
            raise NotReady(
                f"{error.message} The revision with the change exists but does not serve; the old revision still "
                "serves.",
                f"Read why it does not start: {cloud.location.read_log()}\nThen run the command again.",
            ) from error

    def _holds(self, cloud: Cloud) -> bool:
        """Wait until a revision with the edit serves; return False if another operator has undone the edit."""
        pause = FIRST_PAUSE
        for _ in range(LOOKS):
            service = _service(cloud)
            if self._serves(cloud, service):
                return True
            if not service.reconciling:
                if service.failure and service.latest_created != service.latest_ready:
                    raise NotReady(
                        f"The newest revision {service.latest_created} does not start: {service.failure} "
                        f"The revision {service.serving} still serves, without the change.",
                        f"Read why: {cloud.location.read_log()}",
                    )
                return False
            cloud.run.pause(pause)
            pause = min(MAX_PAUSE, pause * 1.5)
        raise NotReady(
            "The Cloud Run service has not finished its update.", "Run the command again in a few minutes."
        )

    def _serves(self, cloud: Cloud, service: Service) -> bool:
        for name, _ in service.traffic:
            revision = cloud.run.revision(f"{cloud.location.service}/revisions/{name}")
            if revision is None or not self.edit.is_applied(environment_of(revision)):
                return False
            if not self.sizing.is_applied(revision):
                return False
        return bool(service.traffic)


def _service(cloud: Cloud) -> Service:
    raw = cloud.run.service(cloud.location.service)
    if raw is None:
        raise NotThere(
            f"The project {cloud.location.project} has no mint {FUNCTION} in the region {cloud.location.region}.",
            f"fullsend mint deploy {cloud.location.flags()} creates one.",
        )
    return Service(raw)
