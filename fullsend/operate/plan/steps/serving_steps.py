"""Define the last steps of a deployment: let callers reach the mint, and check that it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fullsend.client.mint_health import probe
from fullsend.operate.model.names import FUNCTION
from fullsend.operate.operate_errors import NotReady
from fullsend.operate.plan.steps.shell import gcloud

if TYPE_CHECKING:
    from fullsend.operate.gcp.cloud import Cloud
    from fullsend.operate.model.names import MintLocation

HEALTH_SECONDS = 300.0
FIRST_PAUSE = 2.0
MAX_PAUSE = 30.0
_WAIT = """\
for pause in 2 4 8 16 30 30 30 30 30 30 30 30 30; do
  code=$(curl -s -o /dev/null -w '%{http_code}' -X POST "$url/v1/token" || true)
  if [ "$code" = 401 ]; then break; fi
  sleep "$pause"
done
[ "$code" = 401 ] || { echo "The mint at $url answers $code, not 401, to a request without a token." >&2; exit 1; }
echo "FULLSEND_MINT_URL=$url\""""


@dataclass(frozen=True, slots=True)
class MakePublic:
    """Let all users reach the mint; the mint checks each caller's token itself."""

    def title(self) -> str:
        """Return the step's title."""
        return "let allUsers call the Cloud Run service (the mint itself checks each caller's token)"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands."""
        where = ("--project", location.project, "--region", location.region)
        policy = ("--member", "allUsers", "--role", "roles/run.invoker", "--condition", "None")
        return [gcloud("run", "services", "add-iam-policy-binding", FUNCTION, *where, *policy)]

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        cloud.run.make_public(cloud.location.service)


@dataclass(frozen=True, slots=True)
class WaitHealthy:
    """Wait until the mint refuses an empty request and reports the version."""

    version: str

    def title(self) -> str:
        """Return the step's title."""
        return f"wait until POST /v1/token answers 401 and /health reports version {self.version}"

    def gcloud(self, location: MintLocation) -> list[str]:
        """Return the step as shell commands."""
        where = (FUNCTION, "--gen2", "--project", location.project, "--region", location.region)
        return [f"url=$({gcloud('functions', 'describe', *where, '--format', 'value(url)')})", *_WAIT.splitlines()]

    def apply(self, cloud: Cloud) -> None:
        """Apply the step."""
        function = cloud.functions.get(cloud.location.function) or {}
        url = str(function.get("url") or function.get("serviceConfig", {}).get("uri", "")).rstrip("/")
        session, pause = cloud.session, FIRST_PAUSE
        ends = session.now() + HEALTH_SECONDS
        while (found := probe(url)).refuses is not True or found.version != self.version:
            if session.now() + pause > ends:
                raise NotReady(
                    f"The mint at {url} is deployed, but not healthy after {HEALTH_SECONDS:.0f} s: "
                    f"{found.details}.",
                    f"Read its log: {cloud.location.read_log()}\n"
                    f"Then check its surroundings: fullsend mint doctor {cloud.location.flags()}",
                )
            session.sleep(pause)
            pause = min(MAX_PAUSE, pause * 2)
