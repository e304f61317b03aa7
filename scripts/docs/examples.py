"""Write the example environments under deploy/ from the mint's table of variables; with --check, compare them.

This script chooses the variables of each example and their values. Their meanings come from the table.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

from fullsend_sandbox import names
from mintcore.settings.variables import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Callable

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
COLUMNS = 116
FILES = "triage.yml,scanner.yml"
APPS = '{"triage":"4087047","scanner":"5555555"}'
CUSTOM = '{"scanner":{"contents":"read","security_events":"write","metadata":"read"}}'


@dataclass(frozen=True)
class Line:
    """One variable of an example; `note` follows its meaning, and replaces it where the mint does not read it."""

    name: str
    value: str
    note: str = ""
    off: bool = False
    """Shown as a comment, which the reader can enable."""


def plain(line: Line) -> str:
    """Return NAME=value, as systemd and docker read it."""
    return f"{line.name}={line.value}"


def quoted(line: Line) -> str:
    """Return NAME='value', as a shell reads it."""
    return f"{line.name}='{line.value}'"


def yaml(line: Line) -> str:
    """Return NAME: "value", as gcloud reads it."""
    return f"{line.name}: '{line.value}'" if '"' in line.value else f'{line.name}: "{line.value}"'


@dataclass(frozen=True)
class Example:
    """One file: its description and its variables."""

    file: str
    head: str
    form: Callable[[Line], str]
    lines: tuple[Line, ...]

    def text(self) -> str:
        """Return the file."""
        parts = [comment(f"{self.head} Written by 'make docs' from scripts/docs/examples.py.")]
        parts += [self._shown(line) for line in self.lines]
        return "\n\n".join(parts) + "\n"

    def _shown(self, line: Line) -> str:
        meaning = f"{VARIABLES[line.name].meaning}." if line.name in VARIABLES else ""
        # Some of a meaning's words are code on the page.
        about = comment(" ".join(filter(None, (meaning, line.note))).replace("`", ""))
        return f"{about}\n{'#' if line.off else ''}{self.form(line)}"


def comment(text: str) -> str:
    """Return the text as lines of comment."""
    return "\n".join(wrap(text, COLUMNS, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False))


HOSTED = Example(
    "env.example.yaml",
    "The environment of the hosted mint. Copy it to deploy/env.yaml, change the values, and deploy with "
    "deploy/gcloud.sh. docs/configuration.md lists all variables. Nothing in here is secret.",
    yaml,
    (
        Line("ALLOWED_ORGS", "my-org"),
        Line("ALLOWED_WORKFLOW_FILES", "triage.yml,coder.yml,review.yml"),
        Line("REPO_SCOPE", "caller"),
        Line("ROLE_APP_IDS", '{"triage": "123456", "coder": "123457", "review": "123458"}'),
        Line("GCP_PROJECT_NUMBER", "123456789012"),
        Line("WIF_POOL_NAME", "fullsend-pool"),
        Line("WIF_PROVIDER_NAME", "github-oidc"),
        Line("THREADS", "80", "A higher --concurrency would queue requests where Cloud Run cannot see them."),
        Line(
            "MALLOC_ARENA_MAX", "1",
            "Read by glibc, not by the mint: one heap for all threads. Python runs one of them at a time anyway, "
            "and a heap per thread costs memory and a few percent of the CPU per mint.",
        ),
    ),
)  # fmt: skip

LOCAL = Example(
    "env.local.example",
    "The environment of a hosted mint that you start beside 'make serve'.",
    quoted,
    (
        Line("ALLOWED_ORGS", names.ORG),
        Line(
            "ROLE_APP_IDS",
            json.dumps({role: str(700001 + count) for count, role in enumerate(names.app_permissions())}),
        ),
        Line("ALLOWED_WORKFLOW_FILES", names.WORKFLOW_FILES),
        Line("REPO_SCOPE", "caller"),
        Line("OIDC_ISSUER_URL", "http://127.0.0.1:8081"),
        Line("GITHUB_API_URL", "http://127.0.0.1:8084"),
        Line("GCP_PROJECT_NUMBER", names.PROJECT_NUMBER),
        Line("WIF_POOL_NAME", names.POOL),
        Line("WIF_PROVIDER_NAME", names.PROVIDER),
        Line("STS_URL", "http://127.0.0.1:8082"),
        Line("SECRET_MANAGER_URL", "http://127.0.0.1:8083"),
    ),
)

STANDALONE = Example(
    "standalone/mint.env.example",
    "The standalone mint's environment, for systemd's EnvironmentFile= and docker's --env-file. Copy it, change "
    "the values, and check the result with 'fullsend-mint --check'. docs/configuration.md lists all variables. "
    "Do not quote values: docker would keep the quotes.",
    plain,
    (
        Line("ALLOWED_ORGS", "myorg"),
        Line("ROLE_APP_IDS", APPS),
        Line("OIDC_AUDIENCE", "fullsend-mint"),
        Line("PEM_DIR", "/etc/fullsend-mint/pems"),
        Line("ALLOWED_WORKFLOW_FILES", FILES),
        Line("CUSTOM_ROLE_PERMISSIONS", CUSTOM),
        Line("REPO_SCOPE", "caller"),
        Line("BIND", "127.0.0.1", "In a container leave it out, or nothing outside can reach the mint."),
        Line("PORT", "8080"),
        Line(
            "FALLBACK_MINT_URL", "https://mint.example.com", "Your jobs' genuine tokens go there.", off=True,
        ),
    ),
)  # fmt: skip

CLUSTER = Example(
    "kubernetes/mint.env",
    "The environment of the mint in a cluster. kustomization.yaml makes a ConfigMap of it.",
    plain,
    (
        Line("ALLOWED_ORGS", "myorg"),
        Line("ROLE_APP_IDS", APPS),
        Line("OIDC_AUDIENCE", "fullsend-mint"),
        Line("PEM_DIR", "/pems"),
        Line("PORT", "8080"),
        Line("ALLOWED_WORKFLOW_FILES", FILES),
        Line("REPO_SCOPE", "caller"),
        Line("CUSTOM_ROLE_PERMISSIONS", CUSTOM),
        Line("METRICS", "1"),
    ),
)

EXAMPLES = (HOSTED, LOCAL, STANDALONE, CLUSTER)

if __name__ == "__main__":
    stale = [one for one in EXAMPLES if (DEPLOY / one.file).read_text(encoding="utf-8") != one.text()]
    if "--check" in sys.argv[1:] and stale:
        sys.exit(f"{', '.join(f'deploy/{one.file}' for one in stale)}: out of date. Fix: make docs")
    for one in stale:
        (DEPLOY / one.file).write_text(one.text(), encoding="utf-8")
