"""Show issuers and entries as text and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fullsend.operate.model import issuer_list
from fullsend.operate.model.federation import DELETED

if TYPE_CHECKING:
    from fullsend.operate.model.federation import Provider
    from fullsend.operate.model.mint_state import MintState
    from mintcore.policy.caller_entry import CallerEntry


def as_json(state: MintState, name: str) -> dict[str, Any]:
    """Return one issuer with its provider and entries, for `--json`."""
    issuer = issuer_list.issuers(state.environment)[name]
    found = state.providers.get(issuer.provider_id)
    return {
        "name": name,
        "kind": issuer.kind.name,
        "url": issuer.url,
        "audience": issuer.audience,
        "provider": {
            "id": issuer.provider_id,
            "state": provider_state(found),
            "condition": found.spec.condition if found is not None else "",
            "uploaded_keys": bool(found is not None and found.spec.keys),
        },
        "callers": [
            {"index": entry.index, **{key: value for key, value in entry.fields().items() if key != "issuer"}}
            for entry in issuer_list.entries_of(state.environment, name)
        ],
    }


def provider_state(found: Provider | None) -> str:
    """Return a provider's state in one word."""
    if found is None:
        return "missing"
    if found.state == DELETED:
        return "deleted"
    return "disabled" if found.disabled else "active"


def match_text(entry: CallerEntry) -> str:
    """Return an entry's match as the options of `issuer add`."""
    return ", ".join(f"{claim}={value}" for claim, value in sorted(entry.match.items()))


def entry_text(entry: CallerEntry) -> str:
    """Return an entry on one line."""
    level = f" at most {entry.level}" if entry.level else ""
    return f"{entry.issuer}: {match_text(entry)} as {entry.acts_as}, {', '.join(entry.roles)}{level}"
