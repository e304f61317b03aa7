"""Read a mint's state from Google. An API that is not enabled yet counts as empty."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fullsend.operate.model import environment as env
from fullsend.operate.model import names
from fullsend.operate.model.cloud_run_service import Service
from fullsend.operate.model.federation import DELETED
from fullsend.operate.model.kms_names import KMS_API, KeyState, keys_in_use, ring_name, role_of
from fullsend.operate.model.mint_state import MintState, SecretState
from fullsend.operate.operate_errors import BadInput, GoogleFailed
from mintcore.policy.names import parse_role
from mintcore.policy.roles import key_role

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fullsend.operate.gcp.cloud import Cloud
    from fullsend.operate.model.federation import Pool, Provider
    from mintcore.policy.names import Role

_PREFIX = "fullsend-"
_SUFFIX = "-app-pem"


def read_state(cloud: Cloud, roles: Iterable[Role] = ()) -> MintState:
    """Return the mint's state, with the secrets of its own roles and of `roles`. Raises OperateError."""
    number, apis = cloud.apis.look()
    if "cloudresourcemanager.googleapis.com" in apis:
        number = cloud.project.number()
    function, service, serving, invokers = _running(cloud, apis)
    has_iam = "iam.googleapis.com" in apis
    pool, providers = federation(cloud, names.MINT_POOL) if has_iam else (None, {})
    state = MintState(
        location=cloud.location,
        number=number,
        apis=apis,
        account=has_iam and cloud.accounts.exists(cloud.location.service_account),
        pool=pool,
        providers=providers,
        function=function,
        service=service,
        serving=serving,
        invokers=invokers,
    )
    if "secretmanager.googleapis.com" not in apis:
        return state
    wanted = sorted({*roles_of(state.environment), *(key_role(role) for role in roles)})
    secrets = {role: secret(cloud, role) for role in wanted}
    return replace(state, secrets=secrets)


def roles_of(environment: Mapping[str, str]) -> set[Role]:
    """Return the valid role names in ROLE_APP_IDS; an invalid variable has no roles."""
    found = set()
    with suppress(BadInput):
        for name in env.app_ids(environment):
            with suppress(ValueError):
                found.add(parse_role(name))
    return found


def federation(cloud: Cloud, pool_id: str) -> tuple[Pool | None, dict[str, Provider]]:
    """Return a pool and its providers by id."""
    name = cloud.location.pool(pool_id)
    pool = cloud.federation.pool(name)
    if pool is None:
        return None, {}
    try:
        return pool, cloud.federation.providers(name)
    except GoogleFailed:
        if pool.state == DELETED:
            return pool, {}  # a deleted pool hides its providers until it is undeleted
        raise


def secret(cloud: Cloud, role: Role) -> SecretState:
    """Return a role's secret."""
    name = cloud.location.secret(role)
    versions = cloud.secrets.versions(name)
    if versions is None:
        return SecretState()
    return SecretState(tuple(versions), frozenset(cloud.secrets.readers(name)))


def stored_keys(cloud: Cloud, state: MintState) -> dict[Role, SecretState]:
    """Return the project's secrets that are named like a role's key, also if another mint owns them."""
    if "secretmanager.googleapis.com" not in state.apis:
        return {}
    ids = cloud.secrets.ids(_PREFIX)
    found: list[Role] = []
    for name in (one.removeprefix(_PREFIX).removesuffix(_SUFFIX) for one in ids if one.endswith(_SUFFIX)):
        with suppress(ValueError):
            found.append(parse_role(name))
    return {role: state.secrets.get(role) or secret(cloud, role) for role in found}


def stored_kms_keys(cloud: Cloud, state: MintState) -> dict[Role, KeyState]:
    """Return the keys in the mint's key ring that are named like a role's key; empty for a mint without KMS.

    Without an environment (after an interrupted deletion) the mint may have had such keys.
    """
    found: dict[Role, KeyState] = {}
    if state.environment and not keys_in_use(state.environment):
        return found
    for name in (cloud.kms.keys(ring_name(cloud.location)) if KMS_API in state.apis else None) or []:
        role = role_of(name)
        if role is not None:
            versions = tuple(cloud.kms.versions(name) or ())
            found[role] = KeyState(versions, frozenset(cloud.kms.signers(name)), has_ring=True)
    return found


def _running(
    cloud: Cloud, apis: frozenset[str]
) -> tuple[Mapping[str, Any] | None, Service | None, Mapping[str, Any] | None, frozenset[str]]:
    function = None
    if "cloudfunctions.googleapis.com" in apis:
        function = cloud.functions.get(cloud.location.function)
    raw = cloud.run.service(cloud.location.service) if "run.googleapis.com" in apis else None
    if raw is None:
        return function, None, None, frozenset()
    service = Service(raw)
    serving = (
        cloud.run.revision(f"{cloud.location.service}/revisions/{service.serving}") if service.serving else None
    )
    return function, service, serving, frozenset(cloud.run.invokers(cloud.location.service))
