"""Emulate Workload Identity Federation: pools, providers, and a provider's result for a token's claims.

It evaluates attribute mappings and conditions in CEL (cel-python), and finds the provider that an audience names.
`sts.py` checks signatures and times. Google: "Workload Identity Federation", IAM REST v1
`projects.locations.workloadIdentityPools.providers`.
"""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import celpy
from celpy.adapter import json_to_cel
from celpy.celparser import CELParseError
from celpy.celtypes import BoolType
from celpy.evaluation import CELEvalError

from fullsend_sandbox.uploaded_keys import InvalidProviderError, uploaded_keys

MAX_SUBJECT_BYTES = 127
MAX_CONDITION = 4096
GOOGLE = "google_attributes"
STRING_OR_GOOGLE = re.compile(r"""('(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")|\bgoogle\.""")
PROVIDER_ID = re.compile(r"(?!gcp-)[a-z0-9-]{4,32}")

DEFAULT_MAPPING = {
    "google.subject": "assertion.repository_id + ':' + assertion.run_id",
    "attribute.repository_owner": "assertion.repository_owner",
    "attribute.repository": "assertion.repository",
    "attribute.actor": "assertion.actor",
}


class MappingError(Exception):
    """A mapped attribute is missing, of the wrong type or too long; the text is for the caller."""


@dataclass(frozen=True, kw_only=True)
class Provider:
    """An OIDC provider of a pool, as it is written to IAM."""

    provider_id: str
    issuer: str
    attribute_condition: str = ""
    attribute_mapping: Mapping[str, str] = field(default_factory=lambda: dict(DEFAULT_MAPPING))
    allowed_audiences: tuple[str, ...] = ()
    """Empty: the provider's own resource name."""
    jwks: str = ""
    """Uploaded keys (IAM's `jwksJson`); empty: the issuer's own, from its discovery document."""
    disabled: bool = False
    deleted: bool = False


@lru_cache(maxsize=64)  # every world writes the same expressions, and compiling them is most of its start
def _compiled(text: str) -> celpy.Runner:
    environment = celpy.Environment()
    # cel-python keeps the name `google` for protobuf's types and would not find our variable.
    renamed = STRING_OR_GOOGLE.sub(lambda found: found[1] or f"{GOOGLE}.", text)
    try:
        return environment.program(environment.compile(renamed))
    except CELParseError as problem:
        raise InvalidProviderError(f"Error compiling CEL expression: {text}") from problem


class CompiledProvider:
    """A provider whose expressions are compiled. Raises InvalidProviderError for what IAM refuses."""

    def __init__(self, provider: Provider) -> None:
        if not PROVIDER_ID.fullmatch(provider.provider_id):
            raise InvalidProviderError("A provider id has 4 to 32 characters of a-z, 0-9 and dashes.")
        if len(provider.attribute_condition) > MAX_CONDITION:
            raise InvalidProviderError("Attribute condition must be at most 4096 characters.")
        if "google.subject" not in provider.attribute_mapping:
            raise InvalidProviderError("The attribute mapping must include google.subject.")
        self.provider = provider
        self.uploaded_keys = uploaded_keys(provider.jwks) if provider.jwks else None
        self._mapping = {target: _compiled(text) for target, text in sorted(provider.attribute_mapping.items())}
        condition = provider.attribute_condition
        self._condition = _compiled(condition) if condition else None

    def attributes(self, claims: Mapping[str, Any]) -> dict[str, str]:
        """Return the mapped attributes of a token. Raises MappingError."""
        try:
            values = {"assertion": json_to_cel(dict(claims))}
        except ValueError as problem:  # a number that CEL cannot hold
            raise MappingError("The incoming assertion cannot be read.") from problem
        mapped: dict[str, str] = {}
        for target, expression in self._mapping.items():
            try:
                value = expression.evaluate(values)
            except CELEvalError as problem:
                raise MappingError(f"The mapped attribute '{target}' must be of type STRING.") from problem
            if not isinstance(value, str):
                raise MappingError(f"The mapped attribute '{target}' must be of type STRING.")
            mapped[target] = str(value)
        if not 0 < len(mapped["google.subject"].encode()) <= MAX_SUBJECT_BYTES:
            raise MappingError(
                f"The size of mapped attribute google.subject exceeds the {MAX_SUBJECT_BYTES} bytes limit. "
                "Either modify your attribute mapping or the incoming assertion to produce a mapped "
                f"attribute that is less than {MAX_SUBJECT_BYTES} bytes."
            )
        return mapped

    def admits(self, claims: Mapping[str, Any], attributes: Mapping[str, str]) -> bool:
        """Whether the condition holds; one that cannot be evaluated does not."""
        if self._condition is None:
            return True
        groups: dict[str, dict[str, str]] = {"google": {}, "attribute": {}}
        for target, value in attributes.items():
            group, _, name = target.partition(".")
            groups.setdefault(group, {})[name] = value
        groups[GOOGLE] = groups.pop("google")
        values = {"assertion": dict(claims), **groups}
        try:
            verdict = self._condition.evaluate({name: json_to_cel(value) for name, value in values.items()})
        except CELEvalError:
            return False
        return isinstance(verdict, BoolType) and bool(verdict)


class Federation:
    """The pools of one project and their providers; thread-safe. Also what a control plane would write to."""

    def __init__(self, project_number: str) -> None:
        self.project_number = project_number
        self._lock = threading.Lock()
        self._pools: dict[str, bool] = {}
        self._providers: dict[tuple[str, str], CompiledProvider] = {}

    def create_pool(self, pool: str) -> None:
        """Add a pool, or enable it again."""
        self.set_pool(pool, enabled=True)

    def set_pool(self, pool: str, *, enabled: bool) -> None:
        """Enable or disable a pool."""
        with self._lock:
            self._pools[pool] = enabled

    def put_provider(self, pool: str, provider: Provider) -> None:
        """Write a provider; it replaces one with the same id. Raises InvalidProviderError."""
        compiled = CompiledProvider(provider)
        with self._lock:
            self._providers[pool, provider.provider_id] = compiled

    def provider(self, pool: str, provider_id: str) -> Provider:
        """Return a provider as it was written. Raises KeyError."""
        with self._lock:
            return self._providers[pool, provider_id].provider

    def pools(self) -> dict[str, bool]:
        """Return each pool and whether it is enabled."""
        with self._lock:
            return dict(self._pools)

    def providers(self, pool: str) -> dict[str, Provider]:
        """Return a pool's providers by id, deleted ones too."""
        with self._lock:
            return {one: compiled.provider for (its, one), compiled in self._providers.items() if its == pool}

    def remove_pool(self, pool: str) -> None:
        """Remove a pool and its providers permanently."""
        with self._lock:
            self._pools.pop(pool, None)
            self._providers = {key: compiled for key, compiled in self._providers.items() if key[0] != pool}

    def remove_provider(self, pool: str, provider_id: str) -> None:
        """Remove a provider permanently."""
        with self._lock:
            self._providers.pop((pool, provider_id), None)

    def resource(self, pool: str, provider_id: str) -> str:
        """Return the full name `//iam.googleapis.com/projects/…/providers/…`."""
        return (
            f"//iam.googleapis.com/projects/{self.project_number}/locations/global"
            f"/workloadIdentityPools/{pool}/providers/{provider_id}"
        )

    def resolve(self, audience: str) -> CompiledProvider | None:
        """Return the provider that an STS audience names, if it and its pool are there and enabled."""
        with self._lock:
            for (pool, provider_id), compiled in self._providers.items():
                if audience == self.resource(pool, provider_id):
                    usable = not (compiled.provider.disabled or compiled.provider.deleted)
                    return compiled if usable and self._pools.get(pool, False) else None
        return None

    def clear(self) -> None:
        """Forget every pool and provider."""
        with self._lock:
            self._pools.clear()
            self._providers.clear()
