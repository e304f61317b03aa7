"""Workload identity as values: what a pool and a provider are, and what ours should be.

Pure. `google.subject` of the mint is bounded on purpose: Google refuses one of more than 127 bytes, and branch
names make `assertion.sub` longer.
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
    """A workload identity pool as it is."""

    state: str = ACTIVE
    disabled: bool = False

    @property
    def usable(self) -> bool:
        """Whether tokens can be exchanged in it."""
        return self.state == ACTIVE and not self.disabled


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """What an OIDC provider says: whose tokens, for whom, on which condition."""

    issuer: str
    condition: str
    audiences: tuple[str, ...]
    mapping: Mapping[str, str] = field(default_factory=lambda: MINT_MAPPING)
    keys: str = field(default="", repr=False)
    """An uploaded JSON Web Key Set; empty where Google reads the issuer's own."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider as it is."""

    spec: ProviderSpec
    state: str = ACTIVE
    disabled: bool = False

    @property
    def usable(self) -> bool:
        """Whether tokens can be exchanged with it."""
        return self.state == ACTIVE and not self.disabled


def same(one: ProviderSpec, other: ProviderSpec) -> bool:
    """Whether two providers say the same; the order of audiences and organizations says nothing."""
    bare = replace(one, condition="", audiences=tuple(sorted(one.audiences)), mapping=dict(one.mapping))
    wanted = replace(other, condition="", audiences=tuple(sorted(other.audiences)), mapping=dict(other.mapping))
    return bare == wanted and conditions.same(one.condition, other.condition)


def resource(number: str, pool: str, provider: str) -> str:
    """Return a provider's full name by the project's number, as STS and tokens have it."""
    return f"projects/{number}/locations/global/workloadIdentityPools/{pool}/providers/{provider}"


def own_audience(number: str, pool: str, provider: str) -> str:
    """Return the audience that names the provider itself."""
    return f"https://iam.googleapis.com/{resource(number, pool, provider)}"


def mint_provider(number: str, provider: str, condition: str, environment: Mapping[str, str]) -> ProviderSpec:
    """Return what a provider of the mint's pool should be, for a mint with this environment."""
    return ProviderSpec(
        issuer=environment.get("OIDC_ISSUER_URL", "").strip() or DEFAULT_ISSUER,
        condition=condition,
        audiences=(
            environment.get("OIDC_AUDIENCE", "").strip() or DEFAULT_AUDIENCE,
            own_audience(number, names.MINT_POOL, provider),
        ),
    )


def inference_provider(number: str, provider: str, condition: str, issuer: str = DEFAULT_ISSUER) -> ProviderSpec:
    """Return what a provider of the inference pool should be."""
    audiences = (own_audience(number, names.INFERENCE_POOL, provider),)
    return ProviderSpec(issuer, condition, audiences, INFERENCE_MAPPING)


def principal_set(number: str, pool: str, attribute: str, value: str) -> str:
    """Return the IAM member for every identity of a pool with this attribute."""
    prefix = f"principalSet://iam.googleapis.com/projects/{number}/locations/global/workloadIdentityPools/{pool}"
    return f"{prefix}/attribute.{attribute}/{value}"
