"""Check which callers Google admits: compare pool, providers and their conditions with the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullsend.operate.doctor.finding import Finding, Snapshot
from fullsend.operate.model import admission, conditions, environment, federation, names
from mintcore.policy.names import repo_provider_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fullsend.operate.model.conditions import Condition
    from fullsend.operate.model.federation import Provider
    from mintcore.policy.names import Org, Repo


def pool(snapshot: Snapshot) -> Iterator[Finding]:
    """Find a pool that is missing, deleted or disabled."""
    found = snapshot.state.pool
    if found is None or not found.usable:
        what = f"The pool {names.MINT_POOL} is {_condition_of(found)}: no job can mint."
        yield Finding("pool_unusable", what, snapshot.command("deploy"))


def provider(snapshot: Snapshot) -> Iterator[Finding]:
    """Find a shared provider that is unusable or differs from what the mint expects."""
    found = snapshot.state.providers.get(names.PROVIDER)
    fix = snapshot.command("deploy")
    if found is None or not found.usable:
        what = f"The provider {names.PROVIDER} is {_condition_of(found)}: no organization can mint."
        yield Finding("provider_unusable", what, fix)
        return
    yield from _says(snapshot, names.PROVIDER, found, fix)


def _says(snapshot: Snapshot, provider_id: str, found: Provider, fix: str) -> Iterator[Finding]:
    wanted = federation.mint_provider(snapshot.state.number, provider_id, "", snapshot.environment)
    if found.spec.issuer.rstrip("/") != wanted.issuer.rstrip("/"):
        what = (
            f"The provider {provider_id} trusts the issuer {found.spec.issuer}, but the mint trusts "
            f"{wanted.issuer}."
        )
        yield Finding("wrong_issuer", what, fix)
    missing = [audience for audience in wanted.audiences if audience not in found.spec.audiences]
    if missing:
        what = f"The provider {provider_id} does not allow the audience {', '.join(missing)}."
        yield Finding("wrong_audience", what, fix)
    if found.spec.keys:
        # Attack: the owner of the private key of an uploaded key set can act as any job.
        what = f"The provider {provider_id} trusts an uploaded key set instead of the issuer's own keys."
        yield Finding("uploaded_keys", what, fix)
    if dict(found.spec.mapping) != dict(wanted.mapping):
        what = f"The provider {provider_id} has a different attribute mapping than the mint expects."
        yield Finding("wrong_mapping", what, fix)


def organizations(snapshot: Snapshot) -> Iterator[Finding]:
    """Find differences between ALLOWED_ORGS and the shared provider's condition, including case."""
    found = snapshot.state.providers.get(names.PROVIDER)
    if found is None:
        return
    condition = conditions.parse(found.spec.condition)
    if condition is None or condition.repo is not None or condition.public != snapshot.is_public():
        what = f"The condition of {names.PROVIDER} does not fit ALLOWED_ORGS: {found.spec.condition or '(none)'}"
        yield Finding("condition_unfit", what, snapshot.command("deploy"))
        return
    if snapshot.is_public():
        yield from _narrowed(snapshot, found, condition)
        return
    enrolled = {org.key: org for org in environment.admitted_orgs(snapshot.environment)}
    admitted = {org.key: org for org in condition.orgs}
    for key in sorted(enrolled.keys() - admitted.keys()):
        what = (
            f"{enrolled[key]} is in ALLOWED_ORGS, but not in the condition of {names.PROVIDER}: its jobs get 401."
        )
        yield Finding("org_not_in_condition", what, snapshot.command(f"enroll {enrolled[key]}"))
    for key in sorted(admitted.keys() - enrolled.keys()):
        what = (
            f"{admitted[key]} is in the condition of {names.PROVIDER}, but not in ALLOWED_ORGS: its jobs get 403."
        )
        fix = f"{snapshot.command(f'enroll {admitted[key]}')}\nor: {snapshot.command(f'unenroll {admitted[key]}')}"
        yield Finding("org_not_in_environment", what, fix)
    for key in sorted(enrolled.keys() & admitted.keys()):
        yield from _case(snapshot, enrolled[key], admitted[key])
    yield from _narrowed(snapshot, found, condition)


def _narrowed(snapshot: Snapshot, found: Provider, condition: Condition) -> Iterator[Finding]:
    """Find a condition whose ids or claims are not those of the environment."""
    wanted = admission.shared(condition, snapshot.environment)
    if (wanted.ids, wanted.required) != (
        condition.ids,
        condition.required,
    ) and wanted.spelled() == condition.spelled():
        what = (
            f"The condition of {names.PROVIDER} does not fit ALLOWED_ORGS, ENROLLED_IDS and REQUIRED_CLAIMS, so "
            f"Google refuses or admits other jobs than the mint: {found.spec.condition}"
        )
        yield Finding("condition_not_narrowed", what, snapshot.command("deploy"))


def _case(snapshot: Snapshot, enrolled: Org, admitted: Org) -> Iterator[Finding]:
    right = snapshot.spelling(enrolled.login)
    if admitted.login != right:
        what = (
            f"The condition of {names.PROVIDER} has {admitted.login}, and GitHub sends {right}: CEL compares "
            "case-sensitively, so it gets 401."
        )
        yield Finding("org_case_differs", what, snapshot.command(f"enroll {right}"))


def repositories(snapshot: Snapshot) -> Iterator[Finding]:
    """Find differences between PER_REPO_WIF_REPOS and the repositories' own providers."""
    listed = environment.repos(snapshot.environment)
    yield from _collisions(snapshot, listed)
    for repo in listed:
        provider_id = repo_provider_id(repo)
        found = snapshot.state.providers.get(provider_id)
        fix = snapshot.command(f"enroll {repo}")
        if found is None or not found.usable:
            what = f"The provider {provider_id} of {repo} is {_condition_of(found)}."
            yield Finding("repo_provider_unusable", what, fix)
            continue
        condition = conditions.parse(found.spec.condition)
        right = snapshot.spelling(str(repo))
        if condition is None or str(condition.repo) != right:
            what = f"The condition of {provider_id} does not name {right}: {found.spec.condition or '(none)'}"
            yield Finding("repo_condition_differs", what, fix)
        if (
            condition is not None
            and condition.required != admission.own_renewed(condition, snapshot.environment).required
        ):
            what = f"The condition of {provider_id} does not have the claims of REQUIRED_CLAIMS."
            yield Finding("condition_not_narrowed", what, snapshot.command("deploy"))
        yield from _says(snapshot, provider_id, found, fix)
    yield from _unlisted_providers(snapshot, listed)


def _collisions(snapshot: Snapshot, listed: list[Repo]) -> Iterator[Finding]:
    owners: dict[str, Repo] = {}
    for repo in listed:
        other = owners.setdefault(repo_provider_id(repo), repo)
        if other != repo:
            what = f"{other} and {repo} share the provider id {repo_provider_id(repo)}; only one of them can mint."
            fix = f"{snapshot.command(f'unenroll {repo}')}\nor: {snapshot.command(f'unenroll {other}')}"
            yield Finding("provider_ids_collide", what, fix)


def _unlisted_providers(snapshot: Snapshot, listed: list[Repo]) -> Iterator[Finding]:
    for name, found in sorted(snapshot.state.providers.items()):
        condition = conditions.parse(found.spec.condition)
        if (
            name == names.PROVIDER
            or not found.usable
            or condition is None
            or condition.repo is None
            or condition.repo in listed
        ):
            continue
        what = f"The provider {name} admits {condition.repo}, which is not in PER_REPO_WIF_REPOS."
        fix = (
            f"{snapshot.command(f'enroll {condition.repo}')}\nor: {snapshot.command(f'unenroll {condition.repo}')}"
        )
        yield Finding("repo_not_in_environment", what, fix)


def _condition_of(found: object) -> str:
    if found is None:
        return "missing"
    return "deleted" if getattr(found, "state", "") == federation.DELETED else "disabled"
