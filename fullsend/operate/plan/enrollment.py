"""Plan `mint enroll` and `mint unenroll`: an organization, or a repository with its own provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullsend.operate.model import admission, conditions, environment, federation, names
from fullsend.operate.model.edits import Edit
from fullsend.operate.model.federation import DELETED
from fullsend.operate.model.issuer_list import callers
from fullsend.operate.operate_errors import BadInput, NotThere
from fullsend.operate.plan.deployment import edit_steps, provider_steps
from fullsend.operate.plan.steps.admission_steps import AdmitOrgs, CheckAdmission, DropOrgs, wanted
from fullsend.operate.plan.steps.federation_steps import DeleteProvider
from mintcore.policy.names import repo_provider_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.operate.model.federation import Provider
    from fullsend.operate.model.mint_state import MintState
    from fullsend.operate.plan.steps.step import Step
    from mintcore.policy.names import Org, Repo


def require_mint(state: MintState) -> None:
    """Raise NotThere if no mint is deployed."""
    if state.service is None or state.function is None:
        raise NotThere(
            f"The project {state.location.project} has no mint in the region {state.location.region}.",
            f"fullsend mint deploy {state.location.flags()} creates one; add --region if the mint is in another "
            "region.",
        )


def enroll_org(state: MintState, org: Org, org_id: str = "") -> list[Step]:
    """Return the steps: the provider's condition, then ALLOWED_ORGS and ENROLLED_IDS. Raises BadInput, NotThere.

    `org_id` is GitHub's id. Without it only the name is compared, so an account that takes over the name is
    admitted too.
    """
    require_mint(state)
    if environment.is_public(state.environment):
        raise BadInput(
            "The mint is public: it serves every organization already.",
            f"fullsend mint deploy {state.location.flags()} --no-public --org {org} serves only listed ones.",
        )
    provider = _shared_provider(state)
    edit = Edit(add_orgs=(org,), add_ids=((str(org), org_id),) if org_id else ())
    environment.check(edit.apply(state.environment))
    account = (org, org_id)
    condition = wanted(provider.spec.condition, state.environment, add=(account,)).cel()
    steps: list[Step] = []
    if not conditions.same(condition, provider.spec.condition):
        steps.append(AdmitOrgs((account,), condition))
    steps += edit_steps(state, edit)
    return [*steps, CheckAdmission()] if steps else []


def unenroll_org(state: MintState, org: Org) -> list[Step]:
    """Return the steps: ALLOWED_ORGS, then the provider's condition. Raises BadInput, NotThere."""
    require_mint(state)
    edit = Edit(remove_orgs=(org,))
    after = edit.apply(state.environment)
    environment.check(after)
    account = (org, environment.ids(state.environment).get(org.key, ""))
    steps = edit_steps(state, edit)
    provider = state.providers.get(names.PROVIDER)
    current = conditions.parse(provider.spec.condition) if provider is not None else None
    if provider is not None and current is not None and org in current.orgs:
        left = wanted(provider.spec.condition, after, drop=(account,)).cel()
        steps.append(DropOrgs((account,), left))
    return steps


def _shared_provider(state: MintState) -> Provider:
    provider = state.providers.get(names.PROVIDER)
    if state.pool is None or not state.pool.usable or provider is None or not provider.usable:
        raise NotThere(
            f"The pool {names.MINT_POOL} or its provider {names.PROVIDER} is missing, deleted or disabled.",
            f"fullsend mint deploy {state.location.flags()} repairs both; then enroll again.",
        )
    return provider


def enroll_repo(state: MintState, repo: Repo, repo_id: str = "", owner_id: str = "") -> list[Step]:
    """Return the steps: the repository's own provider, then PER_REPO_WIF_REPOS and ENROLLED_IDS.

    Raises BadInput, NotThere.
    """
    require_mint(state)
    if environment.is_public(state.environment):
        raise BadInput(
            "The mint is public, and a public mint does not trust a repository's own workflows, even if it is "
            "enrolled.",
            "Call the workflows of a host repository instead, or deploy with --no-public.",
        )
    if state.pool is None or not state.pool.usable:
        _shared_provider(state)
    provider_id = repo_provider_id(repo)
    found = state.providers.get(provider_id)
    _refuse_takeover(state, repo, found)
    edit = Edit(add_repos=(repo,), add_ids=((str(repo), repo_id),) if repo_id else ())
    environment.check(edit.apply(state.environment))
    condition = admission.own(repo, repo_id, owner_id, state.environment).cel()
    spec = federation.mint_provider(state.number, provider_id, condition, state.environment)
    steps = provider_steps(names.MINT_POOL, provider_id, found, spec)
    return [*steps, *edit_steps(state, edit)]


def _refuse_takeover(state: MintState, repo: Repo, found: Provider | None) -> None:
    """Attack: `a-b/c` and `a/b-c` have the same provider id, so enrolling the second could admit the first."""
    provider_id = repo_provider_id(repo)
    rivals = [one for one in environment.repos(state.environment) if repo_provider_id(one) == provider_id]
    named = conditions.parse(found.spec.condition) if found is not None else None
    if found is not None and found.state != DELETED and (named is None or named.repo is None):
        raise BadInput(
            f"The provider {provider_id} exists, but its condition does not name a single repository: "
            f"{found.spec.condition or '(none)'}",
            "This command did not create it. Delete it if it is not needed: gcloud iam workload-identity-pools "
            f"providers delete {provider_id} --project {state.location.project} --location global "
            f"--workload-identity-pool {names.MINT_POOL}",
        )
    other = next((one for one in rivals if one != repo), None)
    if other is None and found is not None and found.state != DELETED and named is not None and named.repo != repo:
        other = named.repo
    if other is not None:
        raise BadInput(
            f"{repo} and {other} would share the provider {provider_id}, which belongs to {other}.",
            f"Enroll the organization {repo.owner} instead, rename one of the repositories, or unenroll the other "
            f"repository first: fullsend mint unenroll {other} {state.location.flags()}",
        )


def unenroll_repo(state: MintState, repo: Repo) -> list[Step]:
    """Return the steps: PER_REPO_WIF_REPOS, then the repository's own provider."""
    require_mint(state)
    edit = Edit(remove_repos=(repo,))
    environment.check(edit.apply(state.environment))
    steps = edit_steps(state, edit)
    provider_id = repo_provider_id(repo)
    found = state.providers.get(provider_id)
    named = conditions.parse(found.spec.condition) if found is not None else None
    if found is not None and found.state != DELETED and named is not None and named.repo == repo:
        steps.append(DeleteProvider(names.MINT_POOL, provider_id))
    return steps


def still_covered(environment_after: Mapping[str, str], repo: Repo) -> str:
    """Return why a repository can still mint after its enrollment ended; empty if it cannot."""
    if environment.is_public(environment_after):
        return f"{repo} can still mint: the mint is public and serves every organization."
    if repo.owner in environment.admitted_orgs(environment_after):
        return (
            f"{repo} can still mint: its organization {repo.owner} is enrolled. To end that for all its "
            f"repositories: fullsend mint unenroll {repo.owner}"
        )
    return ""


def stopped_entries(environment_after: Mapping[str, str], target: Org | Repo) -> list[str]:
    """Return the entries of CALLERS that act for an organization or repository and are now denied."""
    if environment.is_public(environment_after):
        return []
    orgs, repos = environment.orgs(environment_after), environment.repos(environment_after)
    return [
        entry.name
        for entry in callers(environment_after)
        if target in (entry.acts_as, entry.acts_as.owner)
        and entry.acts_as.owner not in orgs
        and entry.acts_as not in repos
    ]
