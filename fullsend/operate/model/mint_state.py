"""Hold the state of one project's mint as Google reports it, without a judgment, which the doctor makes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fullsend.operate.model import environment as env
from fullsend.operate.model import names
from fullsend.operate.model.cloud_run_service import Service, environment_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.operate.model.federation import Pool, Provider
    from mintcore.policy.names import Role

MINT_APIS = (
    "cloudresourcemanager.googleapis.com",
    "iam.googleapis.com",
    "sts.googleapis.com",
    "secretmanager.googleapis.com",
    "cloudfunctions.googleapis.com",
    "run.googleapis.com",
    "cloudbuild.googleapis.com",
    "artifactregistry.googleapis.com",
)


@dataclass(frozen=True, slots=True)
class Version:
    """A secret's version: its number, and ENABLED, DISABLED or DESTROYED."""

    number: int
    state: str


@dataclass(frozen=True, slots=True)
class SecretState:
    """A role's secret: its versions, newest first (None: no such secret), and the members that may read it."""

    versions: tuple[Version, ...] | None = None
    readers: frozenset[str] = frozenset()

    @property
    def latest(self) -> Version | None:
        """The version that `latest` names, in any state."""
        return self.versions[0] if self.versions else None


@dataclass(frozen=True, slots=True)
class MintState:
    """All resources of one mint on Google Cloud."""

    location: names.MintLocation
    number: str = ""
    apis: frozenset[str] = frozenset()
    account: bool = False
    pool: Pool | None = None
    providers: Mapping[str, Provider] = field(default_factory=dict)
    secrets: Mapping[Role, SecretState] = field(default_factory=dict)
    function: Mapping[str, Any] | None = field(default=None, repr=False)
    service: Service | None = None
    serving: Mapping[str, Any] | None = field(default=None, repr=False)
    invokers: frozenset[str] = frozenset()

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that were last requested for the mint; empty without a mint.

        They come from the service, not the function, because enrollments change only the service.
        """
        if self.service is not None:
            if self.service.starts_from_revision and self.serving is not None:
                return environment_of(self.serving)
            return self.service.environment
        config = (self.function or {}).get("serviceConfig", {})
        return dict(config.get("environmentVariables", {}))

    @property
    def serving_environment(self) -> Mapping[str, str]:
        """The variables of the serving revision."""
        return self.environment if self.serving is None else environment_of(self.serving)

    @property
    def rolled_back_image(self) -> str:
        """The serving revision's image, if the service's template has another; else empty."""
        if self.service is None or not self.service.starts_from_revision or self.serving is None:
            return ""
        return str((self.serving.get("containers") or [{}])[0].get("image", ""))

    @property
    def url(self) -> str:
        """The URL at which callers reach the mint; empty without a mint."""
        function = self.function or {}
        return str(function.get("url") or function.get("serviceConfig", {}).get("uri", "")).rstrip("/")

    @property
    def source_hash(self) -> str:
        """The SHA-256 of the serving bundle; empty if unknown."""
        return self.serving_environment.get(env.SOURCE_HASH, "")

    @property
    def member(self) -> str:
        """The mint's service account as an IAM member."""
        return f"serviceAccount:{self.location.service_account}"
