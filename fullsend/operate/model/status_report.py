"""Show the state of a mint as plain values, for `status`. The doctor checks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fullsend.operate.model import conditions, environment, names
from fullsend.operate.model.issuer_list import entries_of, issuers
from fullsend.operate.model.kms_names import keys_in_use
from fullsend.operate.operate_errors import BadInput
from mintcore.policy.names import Org, repo_provider_id
from mintcore.settings.environment import ConfigurationError, read_hosted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from fullsend.operate.model.federation import Provider
    from fullsend.operate.model.mint_state import MintState, SecretState
    from mintcore.policy.names import Repo


def report(state: MintState) -> dict[str, Any]:
    """Return everything about a mint as plain values."""
    service = state.service
    roles = _or_empty(environment.app_ids, state)
    in_kms = _or_empty(keys_in_use, state)
    return {
        "url": state.url,
        "function": str((state.function or {}).get("state", "missing")),
        "source_sha256": state.source_hash,
        "revision": service.serving if service is not None else "",
        "traffic": dict(service.traffic) if service is not None else {},
        "latest_ready_revision": service.latest_ready if service is not None else "",
        "public": environment.is_public(state.serving_environment),
        "orgs": [org.login for org in environment.admitted_orgs(state.serving_environment)],
        "repos": [str(repo) for repo in environment.repos(state.serving_environment)],
        "workflow_files": environment.items(state.serving_environment, "ALLOWED_WORKFLOW_FILES"),
        "roles": roles,
        "permissions": permissions(state.serving_environment),
        "ids": environment.ids(state.serving_environment),
        "secrets": {
            str(role): _secret(state, found)
            for role, found in sorted(state.secrets.items())
            if found.versions is not None or role not in in_kms
        },
        "kms_keys": in_kms,
        "issuers": _issuers(state.serving_environment),
        "pool": "missing" if state.pool is None else _state(state.pool),
        "providers": {name: _provider(found) for name, found in sorted(state.providers.items())},
    }


def _issuers(variables: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return the issuers of ISSUERS by name, each with the number of its entries in CALLERS."""
    return {
        name: {"kind": one.kind.name, "url": one.url, "entries": len(entries_of(variables, name))}
        for name, one in sorted(issuers(variables).items())
    }


def _or_empty(read: Callable[[Mapping[str, str]], dict[str, str]], state: MintState) -> dict[str, str]:
    """Return the value that `read` finds in the environment; empty for an invalid variable."""
    try:
        return read(state.serving_environment)
    except BadInput:
        return {}


def permissions(variables: Mapping[str, str]) -> dict[str, dict[str, dict[str, str]]]:
    """Return the served roles, each with its permissions per level; empty for an invalid environment."""
    try:
        served = read_hosted(variables).common.policy.roles.serves
    except ConfigurationError:
        return {}
    return {
        str(role): {level: dict(listed) for level, listed in grant.levels.items()}
        for role, grant in sorted(served.items())
    }


def healthy(state: MintState) -> bool:
    """Whether the resources exist that every mint needs; the doctor checks more."""
    found = report(state)
    provider = found["providers"].get(names.PROVIDER, {})
    in_use = [secret for role, secret in found["secrets"].items() if role not in found["kms_keys"]]
    secrets = all(secret["state"] == "ENABLED" and secret["readable"] for secret in in_use)
    running = found["function"] == "ACTIVE" and found["revision"] == found["latest_ready_revision"]
    return running and secrets and found["pool"] == "ACTIVE" and provider.get("state") == "ACTIVE"


def about(state: MintState, target: Org | Repo, spelled: str = "", number: str = "") -> dict[str, Any]:
    """Return the state of one organization or repository; it can mint if `enrolled` and `admitted` are true.

    CEL compares case-sensitively: a name that the condition spells differently from GitHub is not admitted.
    `spelled` is GitHub's spelling; if unknown, the environment's spelling is used. `number` is GitHub's id,
    compared with the enrolled one. `repositories` are the organization's separately enrolled repositories.
    """
    listed: list[Org] | list[Repo]
    if isinstance(target, Org):
        listed, provider_id = environment.admitted_orgs(state.serving_environment), names.PROVIDER
        enrolled = target in listed or environment.is_public(state.serving_environment)
    else:
        listed, provider_id = environment.repos(state.serving_environment), repo_provider_id(target)
        enrolled = target in listed
    pinned = environment.ids(state.serving_environment).get(str(target).lower(), "")
    repos = environment.repos(state.serving_environment)
    found = state.providers.get(provider_id)
    condition = conditions.parse(found.spec.condition) if found is not None and found.usable else None
    in_condition = _spelling(target, (*condition.orgs, condition.repo) if condition is not None else ())
    sent = spelled or _spelling(target, listed) or in_condition or str(target)
    return {
        "name": str(target),
        "enrolled": enrolled,
        "provider": provider_id,
        "admitted": condition is not None and (condition.public or in_condition == sent),
        "sent_by_github": sent,
        "in_condition": in_condition,
        "id": number,
        "enrolled_id": pinned,
        "same_account": not (pinned and number) or pinned == number,
        "repositories": [str(repo) for repo in repos if isinstance(target, Org) and repo.owner == target],
    }


def _spelling(target: Org | Repo, listed: Iterable[Org | Repo | None]) -> str:
    return next((str(one) for one in listed if one == target), "")


def _secret(state: MintState, found: SecretState) -> dict[str, Any]:
    latest = found.latest
    return {
        "state": "missing" if latest is None else latest.state,
        "version": None if latest is None else latest.number,
        "readable": state.member in found.readers,
    }


def _state(found: Any) -> str:
    return "DISABLED" if found.disabled and found.state == "ACTIVE" else str(found.state)


def _provider(found: Provider) -> dict[str, Any]:
    return {"state": _state(found), "condition": found.spec.condition, "issuer": found.spec.issuer}
