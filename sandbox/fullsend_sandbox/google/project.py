"""Define the project: its id and number, and the names of its resources."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from fullsend_sandbox.clock import Clock


@dataclass(frozen=True)
class Project:
    """A Google Cloud project; Google takes its number wherever it takes its id."""

    id: str
    number: str
    clock: Clock

    @property
    def default_account(self) -> str:
        """The Compute Engine default account, which functions are built as."""
        return f"{self.number}-compute@developer.gserviceaccount.com"

    def is_named(self, given: str) -> bool:
        """Whether this is the project's id or number."""
        return given in (self.id, self.number)

    def by_id(self, name: str) -> str:
        """Return a resource name with the project's id in it, as Cloud Functions and Cloud Run write it."""
        return "/".join(["projects", self.id, *name.split("/")[2:]])

    def now(self) -> str:
        """Return the time as Google's APIs write it."""
        return self.timestamp(self.clock())

    def timestamp(self, seconds: float) -> str:
        """Return a time in RFC 3339 with microseconds."""
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def project_of(variables: Mapping[str, str]) -> str | None:
    """Return the project that a path names; APIs use different names for the variable."""
    if variables.get("v1Id") == "projects":
        return variables["v1Id1"]
    return next((variables[name] for name in ("projectsId", "projectId", "resource") if name in variables), None)
