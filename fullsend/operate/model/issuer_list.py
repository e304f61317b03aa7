"""Read a mint's ISSUERS and CALLERS with the mint's own code.

Pure. It leaves out invalid entries, which `environment.check` reports. `raw_callers` keeps every entry unchanged,
for edits.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fullsend.operate.model.environment import json_object
from fullsend.operate.operate_errors import BadInput
from mintcore.policy.kinds.github import GITHUB
from mintcore.settings.callers import parse_entry
from mintcore.settings.environment import DEFAULT_AUDIENCE
from mintcore.settings.issuers import parse_issuer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mintcore.policy.caller_entry import CallerEntry
    from mintcore.policy.issuers import Issuer

ISSUERS = "ISSUERS"
CALLERS = "CALLERS"
PREFIX = "ci-"
"""The prefix of the ids of issuers' providers."""


def default_audience(environment: Mapping[str, str]) -> str:
    """Return the audience of an issuer without one."""
    return environment.get("OIDC_AUDIENCE", "").strip() or DEFAULT_AUDIENCE


def issuers(environment: Mapping[str, str]) -> dict[str, Issuer]:
    """Return the valid issuers of ISSUERS by name; empty for an invalid variable."""
    found: dict[str, Issuer] = {}
    with suppress(BadInput):
        for name, fields in json_object(environment, ISSUERS).items():
            with suppress(ValueError):
                found[name] = parse_issuer(name, fields, default_audience(environment))
    return found


def raw_callers(environment: Mapping[str, str]) -> list[Any]:
    """Return the entries of CALLERS unchanged. Raises BadInput if it is not a list."""
    text = environment.get(CALLERS, "").strip()
    try:
        parsed = json.loads(text) if text else []
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, list):
        raise BadInput(
            f"{CALLERS} of the running mint is not a JSON list, so nothing can be added to it.",
            "Correct it on the Cloud Run service's page; docs/configuration.md has an example.",
        )
    return parsed


def callers(environment: Mapping[str, str]) -> list[CallerEntry]:
    """Return the valid entries of CALLERS in their order; empty for an invalid variable."""
    named = issuers(environment)
    found: list[CallerEntry] = []
    with suppress(BadInput):
        for index, fields in enumerate(raw_callers(environment)):
            with suppress(ValueError):
                found.append(parse_entry(index, fields, named))
    return found


def entries_of(environment: Mapping[str, str], issuer: str) -> list[CallerEntry]:
    """Return the valid entries of one issuer."""
    return [entry for entry in callers(environment) if entry.issuer == issuer]


def with_provider(environment: Mapping[str, str]) -> list[Issuer]:
    """Return the issuers whose providers these commands write: all but those of the kind github."""
    return [issuer for _, issuer in sorted(issuers(environment).items()) if issuer.kind is not GITHUB]


def named_by(fields: object) -> str:
    """Return the issuer's name in an unparsed entry of CALLERS; empty without one."""
    name = fields.get("issuer") if isinstance(fields, dict) else None
    return name if isinstance(name, str) else ""
