"""Give fixed answers of Cloud Functions and Cloud Build: regions, runtimes, the build account."""

from typing import Any

from fullsend_sandbox.google.calls import Call, Endpoint, Endpoints
from fullsend_sandbox.google.errors import RefusedError
from fullsend_sandbox.google.function_config import RUNTIMES
from fullsend_sandbox.google.pages import page
from fullsend_sandbox.google.project import Project

REGIONS = ("europe-west1", "europe-west4", "us-central1", "us-east1", "us-west1")
FIRST_GENERATION = ("create", "delete", "generateUploadUrl", "get", "patch")


class Catalog:
    """Gives the answers that no write changes."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def functions(self) -> Endpoints:
        """Return what Cloud Functions answers of it."""
        at, may = "projects.locations.", "cloudfunctions."
        return {
            f"{at}list": Endpoint(self._locations, f"{may}locations.list"),
            f"{at}runtimes.list": Endpoint(self._runtimes, f"{may}runtimes.list"),
            # The v1 API has only functions of the 1st generation.
            f"v1/{at}functions.list": Endpoint(lambda _: {}, f"{may}functions.list"),
        } | {f"v1/{at}functions.{verb}": Endpoint(_first_generation, None) for verb in FIRST_GENERATION}

    def builds(self) -> Endpoints:
        """Return what Cloud Build answers of it."""
        name = "projects.locations.getDefaultServiceAccount"
        return {name: Endpoint(self._build_account, "cloudbuild.builds.get")}

    def _locations(self, call: Call) -> dict[str, Any]:
        shown = [
            {
                "name": f"projects/{self._project.id}/locations/{region}",
                "locationId": region,
                "labels": {"cloud.googleapis.com/region": region},
            }
            for region in REGIONS
        ]
        return page(call, "locations", shown)

    def _runtimes(self, _call: Call) -> dict[str, Any]:
        shown = [
            {
                "name": name,
                "displayName": f"Python {name[6]}.{name[7:]}",
                "stage": "GA",
                "environment": environment,
            }
            for name in sorted(RUNTIMES)
            for environment in ("GEN_1", "GEN_2")
        ]
        return {"runtimes": shown}

    def _build_account(self, call: Call) -> dict[str, Any]:
        number = self._project.number
        email = self._project.default_account
        return {
            "name": f"projects/{number}/locations/{call.variables['locationsId']}/defaultServiceAccount",
            "serviceAccountEmail": f"projects/{number}/serviceAccounts/{email}",
        }


def _first_generation(_call: Call) -> dict[str, Any]:
    raise RefusedError("UNIMPLEMENTED", "The sandbox has no functions of the 1st generation.")
