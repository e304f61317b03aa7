"""Plan the steps that make the providers of other CI systems' issuers fit the mint's environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullsend.operate.model import issuer_list
from fullsend.operate.model.federation import DELETED, same
from fullsend.operate.model.issuer_federation import issuer_provider
from fullsend.operate.plan.steps.federation_steps import CREATE, UNDELETE, UPDATE
from fullsend.operate.plan.steps.issuer_steps import PutIssuerProvider, kept_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.operate.model.edits import Change
    from fullsend.operate.model.mint_state import MintState
    from fullsend.operate.plan.steps.issuer_steps import KeySet
    from fullsend.operate.plan.steps.step import Step
    from mintcore.policy.issuers import Issuer


def issuer_provider_steps(state: MintState, after: Mapping[str, str], edit: Change | None) -> list[Step]:
    """Return the steps after which every issuer's provider fits the environment `after`. Raises BadInput."""
    steps: list[Step] = []
    for issuer in issuer_list.with_provider(after):
        steps += one_provider(state, issuer, after, edit)
    return steps


def one_provider(
    state: MintState,
    issuer: Issuer,
    after: Mapping[str, str],
    edit: Change | None,
    keys: KeySet | None = None,
) -> list[Step]:
    """Return the step that corrects an issuer's provider; empty if it is correct. Raises BadInput."""
    found = state.providers.get(issuer.provider_id)
    entries = issuer_list.entries_of(after, issuer.name)
    spec = issuer_provider(state.number, issuer, entries, kept_keys(found, keys))
    if found is None:
        how = CREATE
    elif found.state == DELETED:
        how = UNDELETE
    elif found.disabled or not same(found.spec, spec):
        how = UPDATE
    else:
        return []
    old_keys = found is not None and bool(found.spec.keys)
    return [PutIssuerProvider(issuer.name, spec, how, edit, keys, old_keys)]
