"""Check the names of `deploy --env`: all variables of the hosted mint, except those that commands manage.

It also checks that a custom role in use keeps its permissions. The mint's settings code checks values.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from fullsend.operate.model.app_permissions import custom_permissions
from fullsend.operate.model.environment import IDS, KEY_IN_USE, REPO_ONLY, REQUIRED, SOURCE_HASH
from fullsend.operate.operate_errors import BadInput
from mintcore.settings.variable import Need
from mintcore.settings.variables import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CUSTOM_ROLES = "CUSTOM_ROLE_PERMISSIONS"
ALSO_ALLOWED = ("MALLOC_ARENA_MAX", "WORKERS", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables that the mint's platform reads: the C library, the functions framework, OpenSSL."""
TELEMETRY = "OTEL_"
"""The prefix of the variables that the OpenTelemetry SDK reads."""
_ITSELF = "The commands write it automatically."
_WITH_A_COMMAND = {
    "ALLOWED_ORGS": (
        "fullsend mint enroll ORG (or deploy --org ORG) adds one, fullsend mint unenroll ORG removes one, deploy "
        "--public serves every organization. They also change the provider's condition."
    ),
    "ROLE_APP_IDS": (
        "fullsend mint add-role ROLE (or deploy --role ROLE=APP_ID:FILE.pem) adds one, fullsend mint remove-role "
        "ROLE removes one. They also check the App and manage its key."
    ),
    "PER_REPO_WIF_REPOS": (
        "fullsend mint enroll ORG/REPO adds one, fullsend mint unenroll ORG/REPO removes one, each with the "
        "repository's provider."
    ),
    "ROLE_KMS_KEYS": (
        "fullsend mint import-key ROLE --pem FILE.pem moves a role's key into Cloud KMS. It also imports the key "
        "and lets the mint sign with it."
    ),
    IDS: "fullsend mint enroll ORG (or ORG/REPO) looks the id up and writes it, unenroll removes it.",
    REQUIRED: "fullsend mint deploy --require CLAIM=VALUE,… sets it, in the providers' conditions too.",
    "ISSUERS": "fullsend mint issuer add NAME adds one, with its identity provider; issuer remove removes it.",
    "CALLERS": (
        "fullsend mint issuer add NAME --callers FILE --replace writes them, with the provider's condition. "
        "Without --replace it adds them."
    ),
    "GCP_PROJECT_NUMBER": _ITSELF,
    "WIF_POOL_NAME": _ITSELF,
    "WIF_PROVIDER_NAME": _ITSELF,
    SOURCE_HASH: _ITSELF,
    REPO_ONLY: _ITSELF,
}


def known_names() -> set[str]:
    """Return the variables that a hosted mint reads."""
    return {variable.name for variable in VARIABLES.values() if variable.hosted is not Need.UNUSED}


def check_names(variables: Iterable[tuple[str, str]]) -> None:
    """Raise BadInput for a variable that a command manages, and for an unknown variable.

    Setting the first kind here would not change its providers and secrets. An unknown variable may still be unset.
    """
    known = known_names().union(ALSO_ALLOWED)
    for name, value in variables:
        instead = _ITSELF if name.startswith(KEY_IN_USE) else _WITH_A_COMMAND.get(name)
        if instead is not None:
            raise BadInput(f"--env cannot set {name}, because other resources must change with it.", instead)
        if value and name not in known and not name.startswith(TELEMETRY):
            close = get_close_matches(name, sorted(known), n=1)
            raise BadInput(
                f"{name} is not a variable of the hosted mint, so it would have no effect.",
                f"Did you mean {close[0]}?" if close else "docs/configuration.md lists all variables.",
            )


def check_custom_roles(before: Mapping[str, str], variables: Iterable[tuple[str, str]]) -> None:
    """Raise BadInput if a custom role with an App would lose its permissions and so no longer be served."""
    given = dict(variables)
    lost = sorted(custom_permissions(before).keys() - custom_permissions(given).keys())
    if CUSTOM_ROLES in given and lost:
        raise BadInput(
            f"--env {CUSTOM_ROLES} leaves out {', '.join(lost)}, which the mint would no longer serve.",
            f"Give all of them, or remove one: fullsend mint remove-role {lost[0]}",
        )
