"""Environments with issuers of other CI systems and entries for their jobs."""

from __future__ import annotations

import json
from typing import Any

from mintcore.settings.environment import Settings, read_hosted, read_standalone

COMMON = {
    "ALLOWED_ORGS": "acme",
    "ROLE_APP_IDS": '{"triage": "1", "coder": 2}',
    "ALLOWED_WORKFLOW_FILES": "*",
    "REPO_SCOPE": "caller",
}
MODES = {
    "hosted": COMMON | {"GCP_PROJECT_NUMBER": "123", "WIF_POOL_NAME": "pool", "WIF_PROVIDER_NAME": "github-oidc"},
    "standalone": COMMON | {"PEM_DIR": "./pems"},
}
GITLAB = {"kind": "gitlab", "url": "https://gitlab.com"}
ISSUERS = {
    "gitlab": GITLAB,
    "bk": {"kind": "buildkite", "url": "https://agent.buildkite.com", "audience": "mint"},
    "circle": {"kind": "circleci", "url": "https://oidc.circleci.com/org/1"},
    "cluster": {"kind": "kubernetes", "url": "https://kubernetes.default.svc", "jwks_file": "/etc/jwks.json"},
}
MATCH = {"project_id": "4711", "ref_protected": "true", "ref_path": "refs/heads/main"}
ENTRY: dict[str, Any] = {"issuer": "gitlab", "match": MATCH, "as": "acme/app", "roles": ["coder"]}


def settings(mode: str = "hosted", issuers: Any = None, callers: Any = None, **changes: str) -> Settings:
    environment = MODES[mode] | {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in (("ISSUERS", issuers), ("CALLERS", callers))
        if value is not None
    }
    read = read_hosted if mode == "hosted" else read_standalone
    return read(environment | changes).common


UUID = "0184990a-477b-4fa8-9968-496074483cee"
