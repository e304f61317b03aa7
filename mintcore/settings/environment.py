"""The environment, read once and checked whole: every problem is found at one start, not one per restart.

This is the only module of the mint that reads the environment. What it returns is frozen and has been checked;
nothing downstream parses a setting again.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mintcore.settings.reader import ConfigurationError, Reader
from mintcore.settings.roles import read_roles
from mintcore.settings.telemetry import read_metrics, read_signals
from mintcore.settings.trust import read_trust

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mintcore.policy.policy import TrustPolicy
    from mintcore.secret import Secret

DEFAULT_AUDIENCE = "fullsend-mint"
DEFAULT_ISSUER = "https://token.actions.githubusercontent.com"
DEFAULT_GITHUB_API = "https://api.github.com"
DEFAULT_STS = "https://sts.googleapis.com"
DEFAULT_DEADLINE_SECONDS = 25
DEFAULT_PORT = 8080
# THREADS is also the functions framework's own variable; unset, the framework takes four per CPU.
# A thread costs little and waits for Google and GitHub most of its time; a request without one waits for it.
_DEFAULT_THREADS = 80

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
    """What both modes are told.

    ``unhealthy`` is why the mint cannot mint at all, empty if it can. ``rate_limit`` is in the words of the
    library ``limits``, empty for none. ``threads`` is how many requests are served at once. ``telemetry`` names
    the signals, ``traces`` and ``metrics``, that go to an OpenTelemetry collector.
    """

    policy: TrustPolicy
    custom_roles: tuple[str, ...]
    unhealthy: str
    audience: str
    issuer_url: str
    github_api_url: str
    deadline_seconds: float
    rate_limit: str
    rate_limit_storage: str
    proxy_url: Secret | None
    threads: int
    project_id: str
    telemetry: frozenset[str]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HostedSettings:
    """What the hosted mint is told."""

    common: Settings
    project_number: str
    pool: str
    provider: str
    sts_url: str
    secret_manager_url: str


@dataclass(frozen=True, slots=True)
class StandaloneSettings:
    """What the standalone mint is told; ``fallback_url`` and ``audit_file`` are empty for none.

    ``metrics`` is whether ``/metrics`` is served.
    """

    common: Settings
    pem_dir: str
    fallback_url: str
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
            "GCP_PROJECT_NUMBER", r"[0-9]{1,20}", "is the project's number, not its id", "123456789012"
        ),
        pool=reader.matching("WIF_POOL_NAME", r"[a-z0-9-]{4,32}", "is the pool's id alone", "fullsend-pool"),
        provider=reader.matching(
            "WIF_PROVIDER_NAME", r"[a-z0-9-]{4,32}", "is the provider's id alone", "github-oidc"
        ),
        sts_url=reader.url("STS_URL", DEFAULT_STS),
        secret_manager_url=reader.url("SECRET_MANAGER_URL", ""),
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
        pem_dir=reader.required("PEM_DIR", "./pems"),
        fallback_url=reader.url("FALLBACK_MINT_URL", ""),
        port=reader.integer("PORT", DEFAULT_PORT, 1, 65535),
        audit_file=_audit_file(reader),
        metrics=read_metrics(reader),
    )
    reader.finish()
    return standalone


def _common(reader: Reader) -> Settings:
    roles = read_roles(reader)
    policy = read_trust(reader, roles.book)
    rate_limit, storage = _rate_limit(reader)
    return Settings(
        policy=policy,
        custom_roles=roles.custom,
        unhealthy=roles.unhealthy,
        audience=reader.text("OIDC_AUDIENCE", DEFAULT_AUDIENCE),
        issuer_url=reader.url("OIDC_ISSUER_URL", DEFAULT_ISSUER),
        github_api_url=reader.url("GITHUB_API_URL", DEFAULT_GITHUB_API),
        deadline_seconds=float(reader.integer("REQUEST_DEADLINE_SECONDS", DEFAULT_DEADLINE_SECONDS, 1, 3600)),
        rate_limit=rate_limit,
        rate_limit_storage=storage,
        proxy_url=reader.proxy("HTTPS_PROXY") if reader.switch("HTTPS_PROXY_FROM_ENV") else None,
        threads=reader.integer("THREADS", _DEFAULT_THREADS, 1, 1000),
        project_id=reader.text("GOOGLE_CLOUD_PROJECT", ""),
        telemetry=read_signals(reader),
        warnings=reader.warnings,
    )


def _audit_file(reader: Reader) -> str:
    """Return the path in ``file:PATH``, empty where events go to the log alone."""
    for removed in ("AUDIT_LOG_BYTES", "AUDIT_LOG_KEPT"):
        reader.warn_if_set(removed, "has no effect. Fix: rotate the file with deploy/standalone/logrotate.conf")
    place = reader.text("AUDIT_LOG", "")
    path = place.removeprefix("file:")
    if place and (path == place or not path):
        reader.problem("AUDIT_LOG", "is not file: and a path", "file:/var/log/fullsend-mint/audit.jsonl")
    return path


def _rate_limit(reader: Reader) -> tuple[str, str]:
    """Return the limit and where it is counted; the library that reads both is imported only if there is one."""
    limit = reader.text("RATE_LIMIT", "")
    storage = reader.text("RATE_LIMIT_STORAGE", "memory://")
    if limit:
        from mintcore.rate_limit import problems_with  # noqa: PLC0415 - costs 0.1 s that most mints need not pay

        for variable, problem, example in problems_with(limit, storage):
            reader.problem(variable, problem, example)
    return limit, storage
