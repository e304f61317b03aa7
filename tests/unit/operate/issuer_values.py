"""An issuer, its entries and a Google project that has it, as values."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fullsend.operate.model.federation import Provider
from fullsend.operate.model.issuer_federation import issuer_provider
from fullsend.operate.plan.issuer_changes import IssuerSpec
from mintcore.settings.callers import parse_entry
from mintcore.settings.issuers import parse_issuer
from tests.unit.operate.plan_values import ENVIRONMENT, running

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.operate.model.mint_state import MintState
    from mintcore.policy.caller_entry import CallerEntry
    from mintcore.policy.issuers import Issuer

URL = "https://gitlab.com"
GITLAB = parse_issuer("gitlab", {"kind": "gitlab", "url": URL}, "fullsend-mint")
MATCH = {"project_id": "4711", "ref_protected": "true"}
FIELDS = {"issuer": "gitlab", "match": MATCH, "as": "my-org/app", "roles": ["triage"]}
LISTED = {"ISSUERS": json.dumps({"gitlab": {"kind": "gitlab", "url": URL}}), "CALLERS": json.dumps([FIELDS])}
WANTED = IssuerSpec("gitlab", "gitlab", URL, callers=(FIELDS,))


def entry(issuer: Issuer = GITLAB, match: Mapping[str, str] = MATCH, **fields: Any) -> CallerEntry:
    return parse_entry(0, {**FIELDS, "issuer": issuer.name, "match": match, **fields}, {issuer.name: issuer})


def with_issuer(**changes: Any) -> MintState:
    """Return a mint with GitLab's issuer, its provider as the commands make it."""
    environment = ENVIRONMENT | LISTED
    found = Provider(replace(issuer_provider("42", GITLAB, [entry()]), **changes))
    state = running(environment)
    return replace(state, providers={**state.providers, "ci-gitlab": found})
