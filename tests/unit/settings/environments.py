"""Least environments of both kinds of mint, and the problems of one."""

from __future__ import annotations

import pytest

from mintcore.settings.environment import (
    ConfigurationError,
    HostedSettings,
    Settings,
    StandaloneSettings,
    read_hosted,
    read_standalone,
)

COMMON = {
    "ALLOWED_ORGS": "octo-org",
    "ROLE_APP_IDS": '{"triage": "1", "coder": 2}',
    "ALLOWED_WORKFLOW_FILES": "*",
    "REPO_SCOPE": "caller",
}
HOSTED = COMMON | {"GCP_PROJECT_NUMBER": "123", "WIF_POOL_NAME": "pool", "WIF_PROVIDER_NAME": "github-oidc"}
STANDALONE = COMMON | {"PEM_DIR": "./pems"}


def hosted(**changes: str | None) -> HostedSettings:
    return read_hosted({name: value for name, value in (HOSTED | changes).items() if value is not None})


def standalone(**changes: str | None) -> StandaloneSettings:
    return read_standalone({name: value for name, value in (STANDALONE | changes).items() if value is not None})


def common(**changes: str | None) -> Settings:
    return hosted(**changes).common


def problems(**changes: str | None) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as refused:
        hosted(**changes)
    return refused.value.problems
