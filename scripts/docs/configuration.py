"""Write docs/configuration.md from the mint's own settings code; with --check, say whether it is up to date.

Which variables there are, what they default to and between which bounds is asked of
mintcore/settings/environment.py by letting it read with a reader that takes notes. Only the meaning of a variable
is written here; a variable without a meaning, or a meaning without a variable, is an error.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mintcore.settings.environment import hosted_from, standalone_from
from mintcore.settings.reader import Reader
from mintcore.settings.trust import DEFAULT_HOST_REPO

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"

MEANINGS = {
    "Who may mint": {
        "ALLOWED_ORGS": "Organizations (or user accounts) that may ask, comma-separated; case does not matter. "
        "With `*` among them the mint is public. Empty denies everybody, with a warning",
        "ALLOWED_WORKFLOW_FILES": "Names of workflow files that may ask, such as `triage.yml`; `*` for any. Unset "
        "denies every request of a mint that is not public, with a warning. Not looked at in public mode",
        "WORKFLOW_HOST_REPOS": "`owner/repo` whose workflows are trusted for every organization",
        "PER_REPO_WIF_REPOS": "`owner/repo` that have an identity provider of their own and whose own workflows "
        "are trusted. `*` matches nothing here",
    },
    "Roles": {
        "ROLE_APP_IDS": "JSON object, role → GitHub App ID. Keys with a `/` are of an older kind and ignored; with "
        "such keys alone `/health` is 503",
        "ALLOWED_ROLES": "The roles to serve, a subset of those in `ROLE_APP_IDS`; unset serves all",
        "CUSTOM_ROLE_PERMISSIONS": "JSON object, role → {permission: `read`, `write` or `admin`}, for roles beyond "
        "the built-in ones",
    },
    "Whose tokens are accepted": {
        "OIDC_ISSUER_URL": "The issuer of the callers' tokens",
        "OIDC_AUDIENCE": "The audience their tokens have to be for",
    },
    "Google Cloud": {
        "GCP_PROJECT_NUMBER": "The project's number, for the STS audience and the secrets' names",
        "WIF_POOL_NAME": "The workload identity pool's id",
        "WIF_PROVIDER_NAME": "The id of the provider for every repository that has none of its own",
        "STS_URL": "Google's token service",
        "SECRET_MANAGER_URL": "Secret Manager; unset is the client library's own. On loopback it is spoken to "
        "without credentials",
        "GOOGLE_CLOUD_PROJECT": "The project's id, with which Cloud Logging joins log lines to traces",
    },
    "Standalone": {
        "PEM_DIR": "The folder with `{role}.pem` for each App",
        "FALLBACK_MINT_URL": "Another mint, for the roles that this one does not hold",
        "PORT": "The port to listen on (hosted, the framework's own variable)",
        "AUDIT_LOG": "`file:PATH`: write the audit events there, too ([audit.md](audit.md))",
        "METRICS": "`1` serves numbers for Prometheus at `/metrics`, to anybody who can reach it",
    },
    "Requests": {
        "GITHUB_API_URL": "GitHub's API; of a GitHub Enterprise Server `https://HOST/api/v3`",
        "REQUEST_DEADLINE_SECONDS": "The time one request may take, all its upstream calls together",
        "THREADS": "How many requests are served at once. Hosted it is the framework's own variable, too, which "
        "unset means four per CPU: set it to the service's concurrency",
        "RATE_LIMIT": "Such as `60/minute`, per calling repository; unset is no limit",
        "RATE_LIMIT_STORAGE": "Where it is counted: `memory://` (each instance by itself; for up to some "
        "thousand calling repositories), or `redis://…` or `rediss://…` with the package `redis`",
        "HTTPS_PROXY_FROM_ENV": "`1` lets `HTTPS_PROXY` count",
        "HTTPS_PROXY": "A proxy for outgoing https calls, `http://[user:password@]host:port`. Not looked at unless "
        "`HTTPS_PROXY_FROM_ENV` is `1`: a proxy sees where the mint goes, and one should not come out of an "
        "environment by accident",
    },
    "Telemetry": {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "An OpenTelemetry collector, OTLP over HTTP, for traces and metrics",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "The same for traces alone",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "The same for metrics alone",
        "OTEL_TRACES_EXPORTER": "`otlp` or `none`; unset sends traces where an endpoint is set",
        "OTEL_METRICS_EXPORTER": "`otlp` or `none`; unset sends metrics where an endpoint is set",
        "OTEL_SDK_DISABLED": "`true` sends nothing",
    },
}

# What the settings code puts in itself where nothing is read.
DEFAULTS = {"WORKFLOW_HOST_REPOS": DEFAULT_HOST_REPO}

HEAD = """# Configuration

<!-- Written by `make docs` from mintcore/settings/environment.py. Change it there, or the meanings in scripts/docs/configuration.py. -->

The mint is configured by environment variables alone, read once at start. A value that is missing or wrong stops
the start with one line for each problem, naming the variable and an example; what is merely odd is a warning in the
log. A blank value counts as unset. Addresses have to be `https`; on loopback `http` will do. What is `0` by default
takes `1` or `0` and nothing else.

`fullsend mint explain --env-file FILE` reads the same variables from a file and says what they would decide; `●` is
required, `○` optional, `-` not looked at.
"""  # noqa: E501 - a line of the page

TAIL = """
The other standard `OTEL_*` variables (service name, headers, sampler, intervals) are read by the OpenTelemetry SDK
itself, once one of those above asks for telemetry; it needs `pip install 'fullsend-mint[telemetry]'`, hosted as
lines added to `requirements.txt`. Spans are of requests and their steps; no label of a metric is a caller's choice.
"""


class NotingReader(Reader):
    """Reads nothing, and notes what it is asked for: the variable, and how it is to be filled in."""

    def __init__(self) -> None:
        super().__init__({})
        self.notes: dict[str, str] = {}
        self.needed: set[str] = set()

    def finish(self) -> None:
        """Let every problem pass: nothing was read."""

    def text(self, variable: str, default: str) -> str:
        """Note a text and give its default."""
        self.notes.setdefault(variable, f"default `{default}`" if default else "")
        return default

    def required(self, variable: str, example: str) -> str:
        """Note that the variable has to be there."""
        self.needed.add(variable)
        self.notes[variable] = f"such as `{example}`"
        return ""

    def integer(self, variable: str, default: int, least: int, most: int) -> int:
        """Note a number and its bounds."""
        self.notes[variable] = f"default `{default}`, from {least} to {most}"
        return default

    def switch(self, variable: str) -> bool:
        """Note a switch."""
        self.notes[variable] = "default `0`"
        # The one switch behind which another variable is read.
        return variable == "HTTPS_PROXY_FROM_ENV"


def noted(read: Callable[[Reader], Any]) -> NotingReader:
    """Return the notes of one mode."""
    reader = NotingReader()
    read(reader)
    return reader


def page() -> str:
    """Return docs/configuration.md. Raises SystemExit where a meaning and the settings do not go together."""
    hosted, standalone = noted(hosted_from), noted(standalone_from)
    read = set(hosted.notes) | set(standalone.notes)
    meant = {variable for group in MEANINGS.values() for variable in group}
    if read != meant:
        sys.exit(f"meanings are missing or of no use in scripts/docs/configuration.py: {sorted(read ^ meant)}")
    parts = [HEAD]
    for title, group in MEANINGS.items():
        parts += [
            f"\n## {title}\n",
            "| variable | hosted | standalone | value | meaning |",
            "|---|---|---|---|---|",
        ]
        for variable, meaning in group.items():
            marks = " | ".join(_mark(reader, variable) for reader in (hosted, standalone))
            value = hosted.notes.get(variable) or standalone.notes.get(variable) or ""
            if variable in DEFAULTS:
                value = f"default `{DEFAULTS[variable]}`"
            parts.append(f"| `{variable}` | {marks} | {value} | {meaning} |")
    return "\n".join(parts) + "\n" + TAIL


def _mark(reader: NotingReader, variable: str) -> str:
    if variable in reader.needed:
        return "●"
    return "○" if variable in reader.notes else "-"


if __name__ == "__main__":
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page(), encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
        sys.exit("docs/configuration.md is not what mintcore/settings/environment.py says; run make docs")
