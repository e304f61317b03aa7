"""Read the environment once and check all of it, so one start reports every problem.

This is the only module of the mint that reads the environment. It returns frozen, checked settings, so no other
module parses a setting.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mintcore.settings.issuers import read_issuers
from mintcore.settings.kms import read_kms_keys
from mintcore.settings.reader import ConfigurationError, Reader
from mintcore.settings.roles import read_roles
from mintcore.settings.service_url import github_api_instead_of
from mintcore.settings.telemetry import read_metrics, read_signals
from mintcore.settings.trust import read_trust
from mintcore.settings.variables import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mintcore.policy.issuers import Issuer
    from mintcore.policy.names import Role
    from mintcore.policy.policy import TrustPolicy
    from mintcore.secret import Secret

DEFAULT_AUDIENCE = VARIABLES["OIDC_AUDIENCE"].default
DEFAULT_ISSUER = VARIABLES["OIDC_ISSUER_URL"].default

__all__ = [
    "ConfigurationError",
    "HostedSettings",
    "Settings",
    "StandaloneSettings",
    "read_hosted",
    "read_standalone",
]


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of both modes.

    ``unhealthy`` is the reason why the mint cannot mint at all, empty if it can. ``rate_limit`` is in the notation
    of the library ``limits``, empty without a limit. ``mints_per_token`` is 0 for unlimited. ``threads`` is the
    number of requests that are served in parallel. ``issuers`` are the accepted issuers, GitHub's first.
    ``telemetry`` names the signals, ``traces`` and ``metrics``, that go to an OpenTelemetry collector.
    ``role_kms_keys`` has the Cloud KMS key version of each role that signs there.
    """

    policy: TrustPolicy
    custom_roles: tuple[str, ...]
    unhealthy: str
    audience: str
    issuers: tuple[Issuer, ...]
    github_api_url: str
    deadline_seconds: float
    rate_limit: str
    rate_limit_storage: str
    mints_per_token: int
    proxy_url: Secret | None
    threads: int
    role_kms_keys: Mapping[Role, str]
    kms_url: str
    project_id: str
    telemetry: frozenset[str]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HostedSettings:
    """The settings of the hosted mint; ``overlap`` allows token requests during the STS exchange."""

    common: Settings
    project_number: str
    pool: str
    provider: str
    sts_url: str
    secret_manager_url: str
    overlap: bool


@dataclass(frozen=True, slots=True)
class StandaloneSettings:
    """The settings of the standalone mint; ``fallback_url`` and ``audit_file`` are empty if not set.

    ``bind`` is an IP address, empty for every interface. ``metrics`` tells whether ``/metrics`` is served.
    """

    common: Settings
    pem_dir: str
    fallback_url: str
    bind: str
    port: int
    audit_file: str
    metrics: bool


def read_hosted(environment: Mapping[str, str] | None = None) -> HostedSettings:
    """Return the hosted mint's settings. Raises ConfigurationError with every problem."""
    return hosted_from(Reader(os.environ if environment is None else environment))


def hosted_from(reader: Reader) -> HostedSettings:
    """Return what ``reader`` reads. Raises ConfigurationError with every problem."""
    hosted = HostedSettings(
        common=_common(reader),
        project_number=reader.matching(
            "GCP_PROJECT_NUMBER", r"[0-9]{1,20}", "must be the project's number, not its id"
        ),
        pool=reader.matching("WIF_POOL_NAME", r"[a-z0-9-]{4,32}", "must be the pool's id only"),
        provider=reader.matching("WIF_PROVIDER_NAME", r"[a-z0-9-]{4,32}", "must be the provider's id only"),
        sts_url=reader.url("STS_URL"),
        secret_manager_url=reader.url("SECRET_MANAGER_URL"),
        overlap=reader.switch("OVERLAP"),
    )
    reader.finish()
    return hosted


def read_standalone(environment: Mapping[str, str] | None = None) -> StandaloneSettings:
    """Return the standalone mint's settings. Raises ConfigurationError with every problem."""
    return standalone_from(Reader(os.environ if environment is None else environment))


def standalone_from(reader: Reader) -> StandaloneSettings:
    """Return what ``reader`` reads. Raises ConfigurationError with every problem."""
    standalone = StandaloneSettings(
        common=_common(reader),
        pem_dir=reader.required("PEM_DIR"),
        fallback_url=reader.url("FALLBACK_MINT_URL"),
        bind=reader.address("BIND"),
        port=reader.integer("PORT"),
        audit_file=_audit_file(reader),
        metrics=read_metrics(reader),
    )
    reader.finish()
    return standalone


def _common(reader: Reader) -> Settings:
    roles = read_roles(reader)
    issuers = read_issuers(reader)
    policy = read_trust(reader, roles.book, issuers)
    kms_keys = read_kms_keys(reader, roles.book)
    rate_limit, storage, mints_per_token = _limits(reader)
    reader.warn_of_misspelled_names()
    return Settings(
        policy=policy,
        custom_roles=roles.custom,
        unhealthy=roles.unhealthy,
        audience=reader.text("OIDC_AUDIENCE"),
        issuers=issuers,
        github_api_url=_github_api_url(reader),
        deadline_seconds=float(reader.integer("REQUEST_DEADLINE_SECONDS")),
        rate_limit=rate_limit,
        rate_limit_storage=storage,
        mints_per_token=mints_per_token,
        proxy_url=reader.proxy("HTTPS_PROXY") if reader.switch("HTTPS_PROXY_FROM_ENV") else None,
        threads=reader.integer("THREADS"),
        role_kms_keys=kms_keys,
        kms_url=reader.url("KMS_URL"),
        project_id=reader.text("GOOGLE_CLOUD_PROJECT"),
        telemetry=read_signals(reader),
        warnings=reader.warnings,
    )


def _github_api_url(reader: Reader) -> str:
    url = reader.url("GITHUB_API_URL")
    right = github_api_instead_of(url)
    if right:
        reader.problem("GITHUB_API_URL", f"has {url[:100]!r}, which is not the address of GitHub's API", right)
    return url


def _audit_file(reader: Reader) -> str:
    """Return the path in ``file:PATH``, empty if events go only to the log."""
    for removed in ("AUDIT_LOG_BYTES", "AUDIT_LOG_KEPT"):
        reader.warn_if_set(removed, "has no effect. Fix: rotate the file with deploy/standalone/logrotate.conf")
    place = reader.text("AUDIT_LOG")
    path = place.removeprefix("file:")
    if place and (path == place or not path):
        reader.problem("AUDIT_LOG", "is not file: and a path")
    return path


def _limits(reader: Reader) -> tuple[str, str, int]:
    """Return the rate limit, its storage, and the mints per token.

    The library that checks the first two is imported only if a limit is set.
    """
    limit, storage = reader.text("RATE_LIMIT"), reader.text("RATE_LIMIT_STORAGE")
    mints = reader.integer("MINTS_PER_TOKEN")
    if limit or mints:
        from mintcore.rate_limit import problems_with  # noqa: PLC0415 - takes 0.1 s, and most mints do not need it

        for variable, problem, example in problems_with(limit, storage):
            reader.problem(variable, problem, example)
    return limit, storage, mints
