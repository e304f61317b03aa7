"""Plan `mint issuer add` and `remove`: another CI system's issuer, its provider, and its entries of CALLERS."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fullsend.client.issuer_discovery import is_internal
from fullsend.operate.model import environment, issuer_list, names
from fullsend.operate.model.federation import DELETED
from fullsend.operate.model.issuer_edits import DropEntries, DropIssuer, PutIssuer, same_entry
from fullsend.operate.operate_errors import BadInput, NotThere
from fullsend.operate.plan.deployment import edit_steps
from fullsend.operate.plan.enrollment import require_mint
from fullsend.operate.plan.issuer_providers import one_provider
from fullsend.operate.plan.steps.federation_steps import DeleteProvider
from fullsend.operate.plan.steps.issuer_steps import CheckIssuerProviders, kept_keys
from mintcore.policy.issuers import issuer_provider_id
from mintcore.policy.kinds.github import GITHUB
from mintcore.settings.callers import parse_entry
from mintcore.settings.issuers import parse_issuer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.operate.model.edits import Change
    from fullsend.operate.model.mint_state import MintState
    from fullsend.operate.plan.steps.issuer_steps import KeySet
    from fullsend.operate.plan.steps.step import Step
    from mintcore.policy.caller_entry import CallerEntry
    from mintcore.policy.issuers import Issuer


SECOND_GITHUB = (
    (
        "A mint on Google Cloud serves one GitHub, that of OIDC_ISSUER_URL and GITHUB_API_URL: it could not "
        "distinguish repositories that have the same name on two."
    ),
    (
        "For a second GitHub, run a second mint in another project. To serve a GitHub Enterprise Server instead of "
        "github.com: fullsend mint deploy --env OIDC_ISSUER_URL=https://HOST/_services/token --env "
        "GITHUB_API_URL=https://HOST/api/v3"
    ),
)
"""Why an issuer of the kind github cannot be added, and what to do."""


@dataclass(frozen=True, slots=True)
class IssuerSpec:
    """The requested settings of an issuer; empty fields keep the present ones.

    `callers` are entries of CALLERS without their issuer. An entry without roles or level keeps those of the entry
    with the same match and repository, except with `replace`. `no_level` removes the level. `keys` is a key set to
    upload; None keeps the present one.
    """

    name: str
    kind: str = ""
    url: str = ""
    audience: str = ""
    callers: tuple[Mapping[str, Any], ...] = ()
    replace: bool = False
    keys: KeySet | None = field(default=None, repr=False)
    no_level: bool = False


def add_issuer(state: MintState, wanted: IssuerSpec) -> list[Step]:
    """Return the steps: the issuer's provider, then ISSUERS and CALLERS. Raises BadInput, NotThere."""
    require_mint(state)
    if state.pool is None or not state.pool.usable:
        raise NotThere(
            f"The pool {names.MINT_POOL} is missing, deleted or disabled.",
            f"fullsend mint deploy {state.location.flags()} repairs it; then add the issuer again.",
        )
    edit = edit_for(state.environment, wanted)
    _refuse_takeover(state, edit.issuer)
    after = edit.apply(state.environment)
    environment.check(after)
    _refuse_internal(state, edit.issuer, wanted.keys)
    provider = one_provider(state, edit.issuer, after, edit, wanted.keys)
    steps = [*provider, *edit_steps(state, edit)]
    return [*steps, CheckIssuerProviders((wanted.name,))] if steps else []


def _refuse_takeover(state: MintState, issuer: Issuer) -> None:
    """Raise BadInput for a provider that others made for another issuer, because it may be in use."""
    found = state.providers.get(issuer.provider_id)
    if found is None or found.state == DELETED or found.spec.issuer == issuer.url:
        return
    if issuer.name not in issuer_list.issuers(state.environment):
        raise BadInput(
            f"The provider {issuer.provider_id} exists for the issuer {found.spec.issuer}, but ISSUERS does not "
            f"have {issuer.name}.",
            "Choose another name. If that provider is not needed, delete it: fullsend mint issuer remove "
            f"{issuer.name} {state.location.flags()}",
        )


def _refuse_internal(state: MintState, issuer: Issuer, keys: KeySet | None) -> None:
    """Raise BadInput for an unreachable issuer without uploaded keys: Google would refuse all its tokens."""
    if is_internal(issuer.url) and not kept_keys(state.providers.get(issuer.provider_id), keys):
        raise BadInput(
            f"Google cannot reach {issuer.url}, an address of a private network, and its provider has no keys.",
            "Add --jwks-file FILE. For a cluster: kubectl get --raw /openid/v1/jwks > FILE",
        )


def edit_for(variables: Mapping[str, str], wanted: IssuerSpec) -> PutIssuer:
    """Return the edit of ISSUERS and CALLERS. Raises BadInput."""
    issuer = _issuer(variables, wanted)
    entries: list[CallerEntry] = []
    for number, fields in enumerate(wanted.callers):
        given = {**fields, "issuer": fields.get("issuer", issuer.name)}
        if given["issuer"] != issuer.name:
            raise BadInput(
                f"Entry {number + 1} names the issuer {str(given['issuer'])[:60]!r}, but the command is for "
                f"{issuer.name}."
            )
        if "roles" not in given and not wanted.replace:
            given |= _kept_roles(variables, issuer, given)
        try:
            entries.append(parse_entry(number, given, {issuer.name: issuer}))
        except ValueError as problem:
            what, _, fix = str(problem).partition(". Fix: ")
            raise BadInput(f"Entry {number + 1} for CALLERS cannot be used: {what}.", fix) from None
    return PutIssuer(issuer, tuple(entries), wanted.replace, wanted.no_level)


def _kept_roles(variables: Mapping[str, str], issuer: Issuer, fields: Mapping[str, Any]) -> dict[str, Any]:
    before = same_entry(variables, issuer, fields)
    if not before:
        raise BadInput(
            f"{issuer.name} has no entry with this match and repository, and a new entry needs a role.",
            "Add --role ROLE. `fullsend mint issuer list` shows the entries.",
        )
    return {"roles": before.get("roles")}


def _issuer(variables: Mapping[str, str], wanted: IssuerSpec) -> Issuer:
    listed = environment.json_object(variables, issuer_list.ISSUERS).get(wanted.name, {})
    before: dict[str, Any] = listed if isinstance(listed, dict) else {}
    given = {"kind": wanted.kind, "url": wanted.url, "audience": wanted.audience}
    if wanted.kind == GITHUB.name or before.get("kind") == GITHUB.name:
        raise BadInput(*SECOND_GITHUB)
    for name in ("kind", "url"):
        if before.get(name) and given[name] and before[name] != given[name]:
            raise BadInput(
                f"The issuer {wanted.name} exists with the {name} {str(before[name])[:200]}, and its entries "
                "depend on it.",
                "Choose another name for the new issuer, or remove this one first: fullsend mint issuer remove "
                f"{wanted.name}",
            )
    fields = {**before, **{name: value for name, value in given.items() if value}}
    if not fields.get("kind") or not fields.get("url"):
        raise BadInput(f"The mint has no issuer {wanted.name[:60]!r} yet.", "Add --kind KIND and --url URL.")
    try:
        return parse_issuer(wanted.name, fields, issuer_list.default_audience(variables))
    except ValueError as problem:
        raise BadInput(f"The issuer {wanted.name[:60]!r} cannot be used: {problem}.") from None


def remove_issuer(state: MintState, name: str) -> list[Step]:
    """Return the steps: ISSUERS and CALLERS, then the issuer's provider. Raises BadInput, NotThere."""
    require_mint(state)
    steps = _narrowed(state, DropIssuer(name))
    found = state.providers.get(issuer_provider_id(name))
    if found is not None and found.state != DELETED:
        steps.append(DeleteProvider(names.MINT_POOL, issuer_provider_id(name)))
    return steps


def entries_to_drop(
    state: MintState, name: str, match: Mapping[str, str], acts_as: str
) -> tuple[DropEntries, list[CallerEntry]]:
    """Return the edit that drops entries of an issuer, and the entries that it drops. Raises NotThere."""
    require_mint(state)
    issuer = issuer_list.issuers(state.environment).get(name)
    if issuer is None:
        raise NotThere(
            f"The mint has no issuer {name}.",
            f"fullsend mint issuer list {state.location.flags()} lists the issuers.",
        )
    pairs = tuple(sorted((issuer.kind.alias(claim, value), value) for claim, value in match.items()))
    edit = DropEntries(name, pairs, acts_as)
    return edit, [entry for entry in issuer_list.entries_of(state.environment, name) if edit.covers(entry)]


def remove_entries(state: MintState, edit: DropEntries) -> list[Step]:
    """Return the steps: CALLERS, then the provider's condition. Raises BadInput."""
    steps = _narrowed(state, edit)
    after = edit.apply(state.environment)
    issuer = issuer_list.issuers(after)[edit.name]
    return [*steps, *one_provider(state, issuer, after, None)] if steps else []


def _narrowed(state: MintState, edit: Change) -> list[Step]:
    environment.check(edit.apply(state.environment))
    return edit_steps(state, edit)
