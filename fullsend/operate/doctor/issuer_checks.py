"""Check issuers of other CI systems: their providers, the entries of CALLERS, and their discovery documents."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from fullsend.client.issuer_discovery import Discovery, is_internal, read_discovery
from fullsend.operate.doctor.finding import Finding, Kind, Snapshot
from fullsend.operate.model import issuer_list
from fullsend.operate.model.environment import json_object
from fullsend.operate.model.federation import DELETED
from fullsend.operate.model.issuer_edits import DropEntries
from fullsend.operate.model.issuer_federation import issuer_provider
from fullsend.operate.operate_errors import BadInput
from mintcore.policy.issuers import issuer_provider_id
from mintcore.settings.caller_advice import Effect, advise
from mintcore.settings.environment import ConfigurationError, read_hosted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fullsend.operate.model.federation import Provider, ProviderSpec
    from fullsend.operate.model.mint_state import MintState
    from mintcore.policy.caller_entry import CallerEntry
    from mintcore.policy.issuers import Issuer
    from mintcore.settings.caller_advice import Advice

_KINDS = {Effect.DENIES: Kind.PROBLEM, Effect.OPENS: Kind.PROTECTION_OFF, Effect.DEPENDS: Kind.UNCHECKED}


def providers(snapshot: Snapshot) -> Iterator[Finding]:
    """Find an issuer whose provider is unusable or differs from ISSUERS and CALLERS."""
    for issuer in issuer_list.with_provider(snapshot.environment):
        found = snapshot.state.providers.get(issuer.provider_id)
        fix = snapshot.command(f"issuer add {issuer.name}")
        if found is None or not found.usable:
            what = f"The provider {issuer.provider_id} is {_state(found)}: jobs of {issuer.name} get 401."
            yield Finding("issuer_provider_unusable", what, fix)
            continue
        try:
            entries = issuer_list.entries_of(snapshot.environment, issuer.name)
            wanted = issuer_provider(snapshot.state.number, issuer, entries, found.spec.keys)
        except BadInput as error:
            yield Finding("issuer_provider_unfit", error.message, error.remedy)
            continue
        yield from _differences(issuer, found.spec, wanted, fix)


def _differences(issuer: Issuer, found: ProviderSpec, wanted: ProviderSpec, fix: str) -> Iterator[Finding]:
    provider = issuer.provider_id
    if found.issuer != wanted.issuer:
        what = f"The provider {provider} trusts the issuer {found.issuer}, but the mint trusts {wanted.issuer}."
        yield Finding("issuer_url_differs", what, fix)
    missing = [audience for audience in wanted.audiences if audience not in found.audiences]
    if missing:
        what = f"The provider {provider} does not allow the audience {', '.join(missing)}."
        yield Finding("issuer_audience_differs", what, fix)
    if dict(found.mapping) != dict(wanted.mapping):
        what = f"The provider {provider} has a different attribute mapping than the mint expects."
        yield Finding("issuer_mapping_differs", what, fix)
    if found.condition != wanted.condition:
        what = (
            f"The condition of {provider} is {found.condition or '(none)'}, but the entries of CALLERS need "
            f"{wanted.condition}"
        )
        yield Finding("issuer_condition_differs", what, fix)


def unlisted_issuers(snapshot: Snapshot) -> Iterator[Finding]:
    """Find a provider of an issuer that ISSUERS does not name, and entries of such an issuer."""
    try:
        listed = set(json_object(snapshot.environment, issuer_list.ISSUERS))
        entries = issuer_list.raw_callers(snapshot.environment)
    except BadInput:
        return  # environment_invalid reports it
    for name, found in sorted(snapshot.state.providers.items()):
        issuer = name.removeprefix(issuer_list.PREFIX)
        if name.startswith(issuer_list.PREFIX) and found.usable and issuer not in listed:
            what = f"The provider {name} admits jobs of {found.spec.issuer}, but ISSUERS does not have {issuer}."
            yield Finding("issuer_not_in_environment", what, snapshot.command(f"issuer remove {issuer}"))
    for issuer in sorted({issuer_list.named_by(fields) for fields in entries} - listed - {""}):
        what = f"CALLERS has entries of the issuer {issuer}, which ISSUERS does not have."
        yield Finding("caller_of_unknown_issuer", what, snapshot.command(f"issuer remove {issuer}"))


def entries(snapshot: Snapshot) -> Iterator[Finding]:
    """Find the mint's own warnings: issuers and entries that have no effect, or admit too many jobs."""
    try:
        common = read_hosted(snapshot.environment).common
    except ConfigurationError:
        return  # environment_invalid reports it
    variables = snapshot.environment
    for advice in advise(common.issuers, common.policy, lambda name: bool(variables.get(name, "").strip())):
        if advice.code != "issuer_has_own_provider" or not _all_usable(snapshot, advice.about):
            what = advice.what[0].upper() + advice.what[1:] + "."
            hidden = advice.code == "caller_hidden"
            fix = _removal(snapshot, advice, common.policy.callers) if hidden else _fix(snapshot, advice)
            yield Finding(advice.code, what, fix, _KINDS[advice.effect])


def _all_usable(snapshot: Snapshot, issuers: Sequence[str]) -> bool:
    found = [snapshot.state.providers.get(issuer_provider_id(name)) for name in issuers]
    return all(provider is not None and provider.usable for provider in found)


def _removal(snapshot: Snapshot, advice: Advice, listed: Sequence[CallerEntry]) -> str:
    """Return the command that removes only a hidden entry, or the page for it if no command can."""
    [hidden] = [entry for entry in listed if entry.name == advice.about[-1]]
    covered = DropEntries(hidden.issuer, tuple(hidden.match.items()), str(hidden.acts_as))
    if sum(map(covered.covers, listed)) > 1:
        return "Remove it from CALLERS on the Cloud Run service's page."
    match = " ".join(shlex.quote(f"--match={claim}={value}") for claim, value in sorted(hidden.match.items()))
    return snapshot.command(f"issuer remove {hidden.issuer} {match} --as {hidden.acts_as}")


def _fix(snapshot: Snapshot, advice: Advice) -> str:
    """Return the command that fixes it, or the mint's own advice without one."""
    named = advice.about[-1] if advice.about else ""
    commands = {
        "issuer_without_entries": f"issuer add {named} --match CLAIM=VALUE --as OWNER/REPO --role ROLE",
        "caller_not_enrolled": f"enroll {named}",
        "caller_role_not_served": f"add-role {named} --app-id N --pem FILE.pem",
    }
    if advice.code in commands:
        return snapshot.command(commands[advice.code])
    return advice.fix[0].upper() + advice.fix[1:] + "."


def published(snapshot: Snapshot) -> Iterator[Finding]:
    """Find an issuer without a usable discovery document and without an uploaded key set."""
    named = issuer_list.issuers(snapshot.environment)
    for name, report in sorted(snapshot.issuers.items()):
        fix = snapshot.command(f"issuer add {name} --jwks-file FILE")
        url = named[name].url if name in named else ""
        if is_internal(url):
            what = (
                f"Google cannot reach {url} of the issuer {name}, and its provider has no keys. Its jobs get 401."
            )
            yield Finding("issuer_without_keys", what, fix)
        elif report.refused:
            what = f"The issuer {name} publishes no usable discovery document: {report.refused}. Its jobs get 401."
            yield Finding(
                "issuer_discovery_unusable", what, f"{fix}\nor correct the url: it must be the claim iss."
            )
        elif report.unreachable:
            what = f"The discovery document of {name} could not be read from here: {report.unreachable}."
            instead = f"Check that Google can reach it; if not: {fix}"
            yield Finding("issuer_not_reached", what, instead, Kind.UNCHECKED)


def read_published(state: MintState) -> dict[str, Discovery]:
    """Return the discovery documents of the issuers whose keys Google must fetch."""
    found: dict[str, Discovery] = {}
    for issuer in issuer_list.with_provider(state.serving_environment):
        provider = state.providers.get(issuer.provider_id)
        if provider is None or not provider.spec.keys:
            # Not called: on this machine, a private network's name could be another host.
            found[issuer.name] = Discovery() if is_internal(issuer.url) else read_discovery(issuer.url)
    return found


def _state(found: Provider | None) -> str:
    if found is None:
        return "missing"
    return "deleted" if found.state == DELETED else "disabled"
