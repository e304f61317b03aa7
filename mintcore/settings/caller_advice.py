"""Find risky or ineffective settings in ISSUERS and CALLERS.

The mint logs these findings at its start, and ``fullsend mint doctor`` reports them. It makes no calls, so it
cannot check that an issuer's tokens have the url in ISSUERS; only its discovery document shows that.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mintcore.policy.caller_entry import CallerEntry
    from mintcore.policy.issuers import Issuer
    from mintcore.policy.policy import TrustPolicy

_GITHUB_COM = "https://token.actions.githubusercontent.com"
_DISCOVERY = "/.well-known/"


class Effect(Enum):
    """The effect of a finding on callers."""

    DENIES = "jobs that should mint are denied"
    OPENS = "more can mint than should"
    DEPENDS = "only the operator knows whether it is intended"


class Advice(NamedTuple):
    """One finding: a stable code, a description, its fix, and the names it concerns, the issuer's name first."""

    code: str
    what: str
    fix: str
    about: tuple[str, ...] = ()
    effect: Effect = Effect.DENIES

    @property
    def sentence(self) -> str:
        """The finding as one log line."""
        return f"{self.what}. Fix: {self.fix}"


def advise(issuers: Sequence[Issuer], policy: TrustPolicy, is_set: Callable[[str], bool]) -> Iterator[Advice]:
    """Return every finding. ``is_set`` tells whether a variable has a value."""
    entries = policy.callers
    named = {entry.issuer for entry in entries}
    for issuer in issuers:
        if not issuer.kind.is_github and issuer.name not in named:
            what = f"no entry of CALLERS names the issuer {issuer.name}: its jobs are denied"
            yield Advice("issuer_without_entries", what, "add one", (issuer.name,))
    yield from _of_hubs(issuers, is_set)
    for issuer in issuers:
        yield from _of_issuer(issuer)
    yield from _of_hidden(entries)
    kinds = {issuer.name: issuer.kind for issuer in issuers}
    for entry in entries:
        kind = kinds[entry.issuer]
        yield from _of_entry(entry, kind.advice(entry.match) if kind.advice else "", policy)
    if entries and policy.required_claims:
        what = f"REQUIRED_CLAIMS also holds for the jobs of CALLERS, which need {', '.join(policy.required_claims)}"
        yield Advice("caller_needs_claims", what, "name only claims that every issuer sends", (), Effect.DEPENDS)
    uncounted = sorted({kinds[name].name for name in named if not kinds[name].has_token_id})
    if uncounted and is_set("MINTS_PER_TOKEN"):
        listed = ", ".join(uncounted)
        what = f"MINTS_PER_TOKEN is set, and tokens of {listed} have no jti to count: their jobs are denied"
        yield Advice("caller_not_countable", what, "remove MINTS_PER_TOKEN, or run a separate mint for these jobs")


def _of_hubs(issuers: Sequence[Issuer], is_set: Callable[[str], bool]) -> Iterator[Advice]:
    """Return findings about issuers of the kind github in ISSUERS, which replace OIDC_ISSUER_URL."""
    hubs = [issuer.name for issuer in issuers if issuer.kind.is_github]
    if hubs in ([], [""]):
        return
    if len(hubs) > 1:
        what = (
            f"ISSUERS has several issuers of the kind github ({', '.join(hubs)}), and the mint cannot distinguish "
            "their repositories: an organization on GitHub Enterprise Server can mint for the organization of the "
            "same name on github.com"
        )
        fix = "run one mint for each GitHub, each with one issuer of the kind github"
        yield Advice("issuers_of_several_githubs", what, fix, tuple(hubs), Effect.OPENS)
    if all(issuer.url != _GITHUB_COM for issuer in issuers):
        what = (
            f"ISSUERS names the issuer {hubs[0]} of the kind github in place of github.com's: jobs on github.com "
            "get 401"
        )
        fix = f"also name {_GITHUB_COM} if these jobs must mint"
        yield Advice("issuer_instead_of_github", what, fix, (hubs[0],), Effect.DEPENDS)
    if is_set("WIF_PROVIDER_NAME"):
        providers = ", ".join(issuer.provider_id for issuer in issuers if issuer.kind.is_github)
        what = (
            f"ISSUERS has an issuer of the kind github: its jobs use the provider {providers}, and "
            "WIF_PROVIDER_NAME has no effect"
        )
        yield Advice(
            "issuer_has_own_provider", what, "create that provider in WIF_POOL_NAME", tuple(hubs), Effect.DEPENDS
        )


def _of_issuer(issuer: Issuer) -> Iterator[Advice]:
    """Return findings about a url or an audience that no token can have."""
    if not issuer.name:
        return
    if "*" in issuer.url or _DISCOVERY in issuer.url:
        what = f"ISSUERS gives {issuer.name} the url {issuer.url}, which no token has"
        fix = f"write it exactly as the claim iss, without * and {_DISCOVERY}"
        yield Advice("issuer_url_unusable", what, fix, (issuer.name,))
    if "*" in issuer.audience:
        what = f"ISSUERS gives {issuer.name} the audience {issuer.audience}, and audiences are compared whole"
        yield Advice("issuer_audience_unusable", what, "write the audience that the jobs ask for", (issuer.name,))


def _of_hidden(entries: Sequence[CallerEntry]) -> Iterator[Advice]:
    for number, entry in enumerate(entries):
        earlier = [one.name for one in entries[:number] if _same(one, entry)]
        if earlier:
            what = f"{entry.name} has no effect: {earlier[0]} has its issuer, match and roles, and decides first"
            yield Advice("caller_hidden", what, "remove it", (entry.issuer, entry.name))


def _same(one: CallerEntry, other: CallerEntry) -> bool:
    return (one.issuer, one.match) == (other.issuer, other.match) and set(other.roles) <= set(one.roles)


def _of_entry(entry: CallerEntry, advice: str, policy: TrustPolicy) -> Iterator[Advice]:
    if advice:
        what, _, fix = advice.partition(". Fix: ")
        yield Advice("caller_open", f"{entry.name} {what}", fix, (entry.issuer, entry.name), Effect.OPENS)
    if not policy.enrolls(entry.acts_as):
        owner = str(entry.acts_as.owner)
        what = f"{entry.name} acts as {entry.acts_as}, whose owner is not enrolled: its jobs are denied"
        fix = f"add {owner} to ALLOWED_ORGS, or {entry.acts_as} to PER_REPO_WIF_REPOS"
        yield Advice("caller_not_enrolled", what, fix, (entry.issuer, entry.name, owner))
    for role in entry.roles:
        if role not in policy.roles.serves:
            what = f"{entry.name} has the role {role}, which this mint does not serve"
            fix = f"add {role} to ROLE_APP_IDS, or remove it from the entry"
            yield Advice("caller_role_not_served", what, fix, (entry.issuer, entry.name, role))
