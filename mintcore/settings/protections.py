"""Read the protections: scope, level, refs, claims, ids, grants, and which of their rules only report.

Without these variables the mint behaves as it did before they existed, and warns about the risks.
"""

from __future__ import annotations

import re
from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mintcore.policy.grants import variable_name
from mintcore.policy.names import Org, Repo, parse_repo, parse_role
from mintcore.policy.policy import CALLER, ORGANIZATION, REPORTABLE
from mintcore.policy.ref_patterns import check_pattern, ref_patterns
from mintcore.policy.spelling import closest_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mintcore.policy.names import Role
    from mintcore.policy.ref_patterns import RefPatterns
    from mintcore.policy.roles import RoleBook
    from mintcore.settings.reader import Reader

_ID = re.compile(r"[1-9][0-9]{0,18}")
_CLAIM = re.compile(r"[a-zA-Z][a-zA-Z0-9_./-]{0,99}")
_OTHERS = "*"
# GitHub Actions: OpenID Connect reference. A misspelled claim would deny every request.
_GITHUB_CLAIMS = (
    "actor", "actor_id", "base_ref", "environment", "event_name", "head_ref", "job_workflow_ref",
    "job_workflow_sha", "ref", "ref_protected", "ref_type", "repository", "repository_id", "repository_owner",
    "repository_owner_id", "repository_visibility", "run_attempt", "run_id", "run_number", "runner_environment",
    "sha", "sub", "workflow",
    "workflow_ref", "workflow_sha",
)  # fmt: skip
_SCOPES = (CALLER, ORGANIZATION)


def read_scopes(reader: Reader, roles: RoleBook) -> tuple[Mapping[Role, str], str, str]:
    """Return the scope per role, the scope of every other role, and that scope for jobs of CALLERS."""
    text = reader.text("REPO_SCOPE")
    if not text:
        reader.warn(
            "REPO_SCOPE is not set: a workflow may ask for every repository of its organization. Fix: set it to "
            "caller"
        )
        return MappingProxyType({}), ORGANIZATION, CALLER
    if not text.startswith("{"):
        if text not in _SCOPES:
            reader.problem("REPO_SCOPE", "must be caller, organization, or a JSON object of role and scope")
        return MappingProxyType({}), text, text
    listed = reader.json_object("REPO_SCOPE")
    for name, scope in listed.items():
        if scope not in _SCOPES:
            reader.problem("REPO_SCOPE", f'must be caller or organization for "{name[:60]}"')
    if listed and _OTHERS not in listed:
        reader.warn('REPO_SCOPE has no "*": the roles that it does not name have the scope organization')
    named = {name: scope for name, scope in listed.items() if name != _OTHERS}
    scopes = {role: str(named[role]) for role in reader.parsed("REPO_SCOPE", named, parse_role)}
    for role in sorted(set(scopes) - roles.holds):
        reader.warn(f"REPO_SCOPE names the role {role}, which this mint does not have")
    return MappingProxyType(scopes), str(listed.get(_OTHERS, ORGANIZATION)), str(listed.get(_OTHERS, CALLER))


def read_default_level(reader: Reader, roles: RoleBook) -> str:
    """Return the level of a request without a level; every served role must have it."""
    level = reader.text("DEFAULT_LEVEL")
    without = sorted(role for role, grant in roles.serves.items() if level not in grant.levels)
    if without:
        common = [
            name for name in roles.serves[without[0]].levels if all(name in g.levels for g in roles.serves.values())
        ]
        lists = "; ".join(f"{role} has {', '.join(roles.serves[role].levels)}" for role in without)
        reader.problem(
            "DEFAULT_LEVEL",
            f"is {level[:40]!r}, which is not a level of {', '.join(without)} ({lists}); every served role must "
            + ("have it" if common else "have it. Give the roles a common level in CUSTOM_ROLE_PERMISSIONS"),
            common[-1] if common else level,
        )
    return level


def read_refs(reader: Reader, *, public: bool) -> RefPatterns | None:
    """Return the trusted refs, ``None`` if any ref is trusted."""
    listed = reader.items("WORKFLOW_REFS")
    if not listed:
        if public:
            reader.warn(
                "WORKFLOW_REFS is not set in public mode: a workflow of WORKFLOW_HOST_REPOS is trusted at any ref, "
                "commits of forks included. Fix: set it to refs/heads/main,refs/tags/*,commits"
            )
        return None
    patterns = reader.parsed("WORKFLOW_REFS", listed, check_pattern)
    try:
        return ref_patterns(patterns)
    except ValueError as error:
        reader.problem("WORKFLOW_REFS", f"is incomplete: {error}")
        return None


def read_claims(reader: Reader) -> Mapping[str, tuple[str, ...]]:
    """Return the accepted values per required claim."""
    required: dict[str, tuple[str, ...]] = {}
    for claim, accepted in reader.json_object("REQUIRED_CLAIMS").items():
        problem = _claim_problem(claim, accepted)
        if problem:
            reader.problem("REQUIRED_CLAIMS", f'is invalid for "{claim[:60]}": {problem}')
        else:
            required[claim] = tuple(accepted)
            intended = "" if claim in _GITHUB_CLAIMS else closest_name(claim, _GITHUB_CLAIMS)
            if intended:
                reader.warn(f"REQUIRED_CLAIMS names {claim}, which GitHub does not send; did you mean {intended}?")
    return MappingProxyType(required)


def _claim_problem(claim: str, accepted: Any) -> str:
    if not _CLAIM.fullmatch(claim):
        return "it is not a claim's name"
    if not isinstance(accepted, list) or not accepted:
        return "the accepted values must be a list with at least one value"
    if not all(isinstance(value, str) and value for value in accepted):
        return "an accepted value is not a string"
    if any("*" in value[:-1] for value in accepted):
        return "an accepted value has a * before its end"
    return ""


def read_ids(reader: Reader) -> tuple[Mapping[Org, str], Mapping[Repo, str]]:
    """Return GitHub's ids of the enrolled organizations and repositories."""
    orgs: dict[Org, str] = {}
    repos: dict[Repo, str] = {}
    listed = reader.json_object("ENROLLED_IDS")
    for name in reader.parsed("ENROLLED_IDS", listed, _org_or_repo):
        number = listed[str(name)]
        value = str(number) if isinstance(number, str | int) and not isinstance(number, bool) else ""
        if not _ID.fullmatch(value):
            reader.problem("ENROLLED_IDS", f'needs a numeric id for "{name}"')
        # Two spellings of one name could carry two ids, and one of them would be dropped.
        if name in orgs or name in repos:
            reader.problem("ENROLLED_IDS", f'names "{name}" twice, in different case')
        if isinstance(name, Org):
            orgs[name] = value
        else:
            repos[name] = value
    return MappingProxyType(orgs), MappingProxyType(repos)


def _org_or_repo(text: str) -> Org | Repo:
    return parse_repo(text) if "/" in text else Org(text)


def read_grants(reader: Reader, roles: RoleBook) -> bool:
    """Return whether targets can grant; two roles must not share one variable."""
    on = reader.switch("GRANTS")
    names = Counter(variable_name(role) for role in roles.serves)
    shared = sorted(role for role in roles.serves if names[variable_name(role)] > 1)
    if on and shared:
        reader.problem("GRANTS", f"is 1, and the roles {', '.join(shared)} would share one variable", "0")
    return on


def read_report_only(reader: Reader) -> frozenset[str]:
    """Return the rules that report instead of deny."""
    rules = frozenset(reader.parsed("REPORT_ONLY", reader.items("REPORT_ONLY"), _reportable))
    if rules:
        reader.warn(f"REPORT_ONLY is set: these rules report and do not deny: {', '.join(sorted(rules))}")
    return rules


def _reportable(text: str) -> str:
    if text not in REPORTABLE:
        raise ValueError(f"it must be one of {', '.join(REPORTABLE)}")
    return text
