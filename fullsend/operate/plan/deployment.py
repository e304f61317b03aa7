"""Plan `mint deploy`: create everything that a mint needs, each part after the parts that it needs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fullsend.operate.gcp.run import EVERYONE
from fullsend.operate.model import admission, conditions, environment, federation, issuer_list, names
from fullsend.operate.model.app_permissions import permissions_of
from fullsend.operate.model.caller_changes import entry_changes
from fullsend.operate.model.deployable_variables import check_custom_roles
from fullsend.operate.model.edits import Edit
from fullsend.operate.model.federation import DELETED, same
from fullsend.operate.model.kms_names import KMS_API
from fullsend.operate.model.mint_state import MINT_APIS
from fullsend.operate.model.sizing import MAX_INSTANCES, MIN_INSTANCES, Sizing, missing_from
from fullsend.operate.operate_errors import BadInput
from fullsend.operate.plan.build_account import CheckBuilder
from fullsend.operate.plan.issuer_providers import issuer_provider_steps
from fullsend.operate.plan.key_changes import key_steps
from fullsend.operate.plan.kms_keys import retiring_steps, versions_of
from fullsend.operate.plan.steps.admission_steps import AdmitOrgs, CheckAdmission
from fullsend.operate.plan.steps.federation_steps import CREATE, ENABLE, UNDELETE, UPDATE, PutPool, PutProvider
from fullsend.operate.plan.steps.function_steps import CONCURRENCY, DeployFunction
from fullsend.operate.plan.steps.issuer_steps import CheckIssuerProviders
from fullsend.operate.plan.steps.project_steps import CreateServiceAccount, EnableApis
from fullsend.operate.plan.steps.service_steps import EditEnvironment
from fullsend.operate.plan.steps.serving_steps import MakePublic, WaitHealthy
from mintcore.policy.names import repo_provider_id
from mintcore.settings.environment import DEFAULT_AUDIENCE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.operate.model.edits import Change
    from fullsend.operate.model.federation import Pool, Provider, ProviderSpec
    from fullsend.operate.model.mint_state import MintState
    from fullsend.operate.plan.bundle import Bundle
    from fullsend.operate.plan.deployment_spec import DeploymentSpec
    from fullsend.operate.plan.steps.step import Step

REPO_SCOPE = "REPO_SCOPE"
WORKFLOW_REFS = "WORKFLOW_REFS"
NEW_REPO_SCOPE = "caller"
NEW_WORKFLOW_REFS = "refs/heads/main,refs/tags/*,commits"
_DEFAULTS = {
    "OIDC_AUDIENCE": DEFAULT_AUDIENCE,
    # One thread per parallel request of an instance, so requests do not queue in it.
    "THREADS": str(CONCURRENCY),
    "MALLOC_ARENA_MAX": "1",  # one heap for all those threads: see deploy/env.example.yaml
    "ALLOWED_ORGS": "",
}


def deploy(state: MintState, deployment: DeploymentSpec, bundle: Bundle) -> list[Step]:
    """Return the steps. Raises BadInput if the mint or Google would refuse a value."""
    edit = edit_for(state, deployment)
    after = edit.apply(state.environment)
    _check(deployment, after)
    check_custom_roles(state.environment, deployment.variables)
    steps: list[Step] = []
    needed = (*MINT_APIS, *([KMS_API] if any(role.in_kms is not None for role in deployment.roles) else []))
    disabled = tuple(api for api in needed if api not in state.apis)
    if disabled:
        steps.append(EnableApis(disabled))
    if not state.account:
        steps.append(CreateServiceAccount(state.location.service_account))
    steps += pool_steps(state.pool, names.MINT_POOL)
    admission = _provider_steps(state, deployment, after)
    steps += admission
    steps += _repo_provider_steps(state, after)
    steps += issuer_provider_steps(state, after, edit)
    steps += key_steps(replace(state, apis=state.apis.union(disabled)), deployment.roles)
    running = _function_steps(state, deployment, edit, bundle)
    steps += running
    if (admission or running) and state.service is not None and not environment.is_public(after):
        steps.append(CheckAdmission())
    if running and state.service is not None and issuer_list.with_provider(after):
        steps.append(CheckIssuerProviders())
    if EVERYONE not in state.invokers:
        steps.append(MakePublic())
    steps.append(WaitHealthy(bundle.version))
    return [*steps, *retiring_steps(state.location, deployment.roles)]


def edit_for(state: MintState, deployment: DeploymentSpec) -> Edit:
    """Return the wanted environment, with defaults for variables that are not set."""
    given = _protections(state, deployment) | dict(deployment.variables)
    fixed = {
        "GCP_PROJECT_NUMBER": state.number,
        "WIF_POOL_NAME": names.MINT_POOL,
        "WIF_PROVIDER_NAME": names.PROVIDER,
    }
    defaults = {name: value for name, value in _DEFAULTS.items() if name not in state.environment}
    return Edit(
        add_orgs=deployment.orgs,
        add_roles=tuple((role.role, role.app_id) for role in deployment.roles),
        kms_keys=versions_of(state.location, deployment.roles),
        custom_permissions=tuple((role.role, role.permissions) for role in deployment.roles if role.permissions),
        add_workflow_files=deployment.workflow_files,
        public=deployment.public,
        add_ids=tuple((name, number) for name, number in deployment.ids if number),
        require=deployment.require,
        retire_repo_only=True,
        set_variables=tuple(sorted((defaults | given | fixed).items())),
    )


def is_new(state: MintState) -> bool:
    """Whether the project has no mint yet."""
    return state.service is None and state.function is None


def _protections(state: MintState, deployment: DeploymentSpec) -> dict[str, str]:
    """Return the variables of the protections: from the options, and switched on for a new mint."""
    wanted = {REPO_SCOPE: deployment.repo_scope, WORKFLOW_REFS: deployment.workflow_refs}
    if is_new(state):
        wanted[REPO_SCOPE] = wanted[REPO_SCOPE] or NEW_REPO_SCOPE
        if deployment.public:
            wanted[WORKFLOW_REFS] = wanted[WORKFLOW_REFS] or NEW_WORKFLOW_REFS
    return {name: value for name, value in wanted.items() if value}


def _check(deployment: DeploymentSpec, after: Mapping[str, str]) -> None:
    if not environment.app_ids(after):
        raise BadInput(
            "The mint would have no role, and it does not start without a role.",
            "Name at least one: --role triage=123456:triage.pem (the App's ID and the key GitHub offered).",
        )
    if deployment.orgs and deployment.public is None and environment.is_public(after):
        raise BadInput(
            "The mint is public and serves every organization; --org would change nothing.",
            "Add --no-public to serve only the listed organizations.",
        )
    unserved = [role.role for role in deployment.roles if not permissions_of(role.role, after)]
    if unserved:
        raise BadInput(
            f"{unserved[0]} is not a built-in role, and without permissions the mint does not serve it.",
            "Name the permissions of its tokens: --env CUSTOM_ROLE_PERMISSIONS="
            f"""'{{"{unserved[0]}": {{"contents": "read"}}}}'""",
        )
    environment.check(after)


def pool_steps(pool: Pool | None, pool_id: str) -> list[Step]:
    """Return the steps that make a pool exist and enabled."""
    if pool is None:
        return [PutPool(pool_id, CREATE)]
    if pool.state == DELETED:
        return [PutPool(pool_id, UNDELETE)]
    return [PutPool(pool_id, ENABLE)] if pool.disabled else []


def provider_steps(pool_id: str, provider_id: str, found: Provider | None, spec: ProviderSpec) -> list[Step]:
    """Return the steps that give a provider the settings of `spec` and enable it."""
    if found is None:
        return [PutProvider(pool_id, provider_id, spec, CREATE)]
    keys = bool(found.spec.keys)
    if found.state == DELETED:
        return [PutProvider(pool_id, provider_id, spec, UNDELETE, keys)]
    if found.disabled or not same(found.spec, spec):
        return [PutProvider(pool_id, provider_id, spec, UPDATE, keys)]
    return []


def _provider_steps(state: MintState, deployment: DeploymentSpec, after: Mapping[str, str]) -> list[Step]:
    found = state.providers.get(names.PROVIDER) if state.pool is not None else None
    current = conditions.parse(found.spec.condition) if found is not None and found.state != DELETED else None
    accounts = tuple((org, dict(deployment.ids).get(str(org), "")) for org in deployment.orgs)
    condition = admission.shared(current, after, accounts).cel()
    spec = federation.mint_provider(state.number, names.PROVIDER, condition, after)
    steps = provider_steps(names.MINT_POOL, names.PROVIDER, found, spec)
    if steps and found is not None and found.usable and same(replace(found.spec, condition=condition), spec):
        readable = conditions.parse(found.spec.condition)
        if readable is not None and not readable.public and not environment.is_public(after):
            return [
                AdmitOrgs(accounts, condition)
            ]  # only the condition, so another operator's other changes are not lost
    return steps


def _repo_provider_steps(state: MintState, after: Mapping[str, str]) -> list[Step]:
    """Return the steps that make the providers of single repositories accept the tokens that the mint accepts.

    Each of these providers has a copy of the mint's issuer and audience. The doctor reports a provider that is
    missing, disabled or another mint's; a new enrollment corrects it.
    """
    steps: list[Step] = []
    for repo in environment.repos(after):
        provider_id = repo_provider_id(repo)
        found = state.providers.get(provider_id)
        named = conditions.parse(found.spec.condition) if found is not None and found.usable else None
        if found is not None and named is not None and named.repo == repo:
            condition = admission.own_renewed(named, after).cel()
            spec = federation.mint_provider(state.number, provider_id, condition, after)
            steps += provider_steps(names.MINT_POOL, provider_id, found, spec)
    return steps


def _function_steps(state: MintState, deployment: DeploymentSpec, edit: Edit, bundle: Bundle) -> list[Step]:
    active = state.function is not None and state.function.get("state") == "ACTIVE"
    if active and state.service is not None and state.source_hash == bundle.sha256:
        wanted = Sizing(deployment.min_instances, deployment.max_instances, cpu_boost=True)
        sizing = missing_from(state.service.raw.get("template", {}), wanted)
        return edit_steps(state, edit, sizing)
    there = state.service.sizing if state.service is not None else Sizing()
    minimum = (deployment.min_instances, there.min_instances, MIN_INSTANCES)
    maximum = (deployment.max_instances, there.max_instances, MAX_INSTANCES)
    build = DeployFunction(
        bundle.sha256,
        edit,
        bundle,
        dict(state.environment),
        Sizing(_first(minimum), _first(maximum)),
        public=EVERYONE in state.invokers,
        pinned=state.service is not None and not state.service.follows_latest,
    )
    return [CheckBuilder(), build] if deployment.check_builder else [build]


def _first(values: tuple[int | None, ...]) -> int | None:
    return next((value for value in values if value is not None), None)


def edit_steps(state: MintState, edit: Change, sizing: Sizing | None = None) -> list[Step]:
    """Return the step that applies an edit and a sizing; empty if they already hold. Raises BadInput."""
    before, after = state.environment, edit.apply(state.environment)
    changes = {name: after.get(name, "") for name in {*before, *after} if before.get(name) != after.get(name)}
    wanted = sizing or Sizing()
    if not changes and wanted == Sizing():
        return []
    entries = entry_changes(before, after)
    return [EditEnvironment(edit, changes, wanted, after, state.rolled_back_image, entries)]
