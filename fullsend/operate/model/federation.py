"""Define workload identity pools and providers as values, and the wanted providers of a mint.

Pure. The mint's `google.subject` is not `assertion.sub`: Google refuses more than 127 bytes, and branch names make
`assertion.sub` longer.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from fullsend.operate.model import conditions, names
from mintcore.settings.environment import DEFAULT_AUDIENCE, DEFAULT_ISSUER

if TYPE_CHECKING:
    from collections.abc import Mapping

_ATTRIBUTES = {
    "attribute.repository_owner": "assertion.repository_owner",
    "attribute.repository": "assertion.repository",
    "attribute.actor": "assertion.actor",
}
MINT_MAPPING: Mapping[str, str] = MappingProxyType(
    {"google.subject": "assertion.repository_id + ':' + assertion.run_id", **_ATTRIBUTES}
)
INFERENCE_MAPPING: Mapping[str, str] = MappingProxyType({"google.subject": "assertion.sub", **_ATTRIBUTES})

ACTIVE = "ACTIVE"
DELETED = "DELETED"


@dataclass(frozen=True, slots=True)
class Pool:
    """The state of a workload identity pool."""

    state: str = ACTIVE
    disabled: bool = False

    @property
    def usable(self) -> bool:
        """Whether tokens can be exchanged in the pool."""
        return self.state == ACTIVE and not self.disabled


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """The settings of an OIDC provider: issuer, audiences, mapping and condition."""

    issuer: str
    condition: str
    audiences: tuple[str, ...]
    mapping: Mapping[str, str] = field(default_factory=lambda: MINT_MAPPING)
    keys: str = field(default="", repr=False)
    """An uploaded JSON Web Key Set; empty if Google fetches the issuer's keys."""


@dataclass(frozen=True, slots=True)
class Provider:
    """The state of a provider."""

    spec: ProviderSpec
    state: str = ACTIVE
    disabled: bool = False

    @property
    def usable(self) -> bool:
        """Whether tokens can be exchanged with the provider."""
        return self.state == ACTIVE and not self.disabled


def same(one: ProviderSpec, other: ProviderSpec) -> bool:
    """Whether two providers have the same settings; the order of audiences and organizations does not matter."""
    bare = replace(one, condition="", audiences=tuple(sorted(one.audiences)), mapping=dict(one.mapping))
    wanted = replace(other, condition="", audiences=tuple(sorted(other.audiences)), mapping=dict(other.mapping))
    return bare == wanted and conditions.same(one.condition, other.condition)


def resource(number: str, pool: str, provider: str) -> str:
    """Return a provider's full name with the project's number, as STS and tokens use it."""
    return f"projects/{number}/locations/global/workloadIdentityPools/{pool}/providers/{provider}"


def own_audience(number: str, pool: str, provider: str) -> str:
    """Return the audience that names the provider itself."""
    return f"https://iam.googleapis.com/{resource(number, pool, provider)}"


def mint_provider(number: str, provider: str, condition: str, environment: Mapping[str, str]) -> ProviderSpec:
    """Return the wanted settings of a provider in the mint's pool, for a mint with this environment."""
    return ProviderSpec(
        issuer=environment.get("OIDC_ISSUER_URL", "").strip() or DEFAULT_ISSUER,
        condition=condition,
        audiences=(
            environment.get("OIDC_AUDIENCE", "").strip() or DEFAULT_AUDIENCE,
            own_audience(number, names.MINT_POOL, provider),
        ),
    )


def inference_provider(number: str, provider: str, condition: str, issuer: str = DEFAULT_ISSUER) -> ProviderSpec:
    """Return the wanted settings of a provider in the inference pool."""
    audiences = (own_audience(number, names.INFERENCE_POOL, provider),)
    return ProviderSpec(issuer, condition, audiences, INFERENCE_MAPPING)


def principal_set(number: str, pool: str, attribute: str, value: str) -> str:
    """Return the IAM member for every identity of a pool with this attribute."""
    prefix = f"principalSet://iam.googleapis.com/projects/{number}/locations/global/workloadIdentityPools/{pool}"
    return f"{prefix}/attribute.{attribute}/{value}"
