"""Decide again which caller may have which token, with code written from the contract, independent of the mint.

It works on the environment's text, the claims and the body as they are, and imports neither the mint nor the
sandbox. It models only what :mod:`tests.property.trust_requests` generates: well-formed requests.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

ROLES = {
    "coder": "contents:write pull_requests:write issues:write checks:read metadata:read",
    "triage": "contents:read issues:write metadata:read",
    "fix": "contents:write pull_requests:write issues:write metadata:read",
    "fullsend": "actions:write actions_variables:read contents:write pull_requests:write workflows:write "
    "metadata:read",
}
SCANNER = {
    "look": "contents:read",
    "read": "contents:read issues:read",
    "write": "contents:read issues:write workflows:read",
    "full": "contents:write issues:write workflows:write",
}
MISSING_AT_GITHUB = ("workflows", "read")
RANK = {"read": 1, "write": 2, "admin": 3}


@dataclass(frozen=True)
class Forge:
    """What GitHub knows: installed organizations, repositories, ids, variables, and the host's own commits."""

    installed: frozenset[str]
    repositories: frozenset[str]
    ids: Mapping[str, str]
    variables: Mapping[tuple[str, str], str]
    commits: frozenset[str]


@dataclass(frozen=True)
class Granted:
    """What a token has to be. ``repos`` is ``None`` for the whole installation."""

    org: str
    repos: frozenset[str] | None
    permissions: Mapping[str, str]
    reported: frozenset[str]
    lacks: int = 0
    """How many permissions of the request GitHub does not have."""


def listed(text: str) -> list[str]:
    return [item.strip().lower() for item in text.split(",") if item.strip()]


def parsed(text: str) -> dict[str, str]:
    return dict(pair.split(":") for pair in text.split())


def levels_of(role: str) -> dict[str, dict[str, str]]:
    if role == "scanner":
        return {name: parsed(text) for name, text in SCANNER.items()}
    full = parsed(ROLES[role])
    return {"read": dict.fromkeys(full, "read"), "write": full}


class Oracle:
    """One environment in one world."""

    def __init__(self, environment: Mapping[str, str], forge: Forge) -> None:
        self.env = environment
        self.forge = forge
        self.orgs = listed(environment["ALLOWED_ORGS"])
        self.public = "*" in self.orgs
        self.alone = listed(environment.get("PER_REPO_WIF_REPOS", ""))
        self.hosts = listed(environment["WORKFLOW_HOST_REPOS"])
        self.report = set(listed(environment.get("REPORT_ONLY", "")))
        self.granting = environment.get("GRANTS") == "1"

    def answer(  # noqa: C901, PLR0911, PLR0912 - the contract's table, from top to bottom
        self, claims: Mapping[str, Any], body: Mapping[str, Any]
    ) -> Granted | str:
        """Return what is granted, or the code of the refusal."""
        reported: set[str] = set()
        repository, owner = claims["repository"].lower(), claims["repository_owner"].lower()
        by_itself = not self.public and owner not in self.orgs and repository in self.alone
        if not (self.public or owner in self.orgs or by_itself):
            return "org_not_allowed"
        host, ref = self._workflow(claims)
        if not self._trusts(host, claims["job_workflow_ref"], repository, owner):
            return "workflow_not_allowed"
        role = body["role"]
        served = listed(self.env.get("ALLOWED_ROLES", "")) or [*ROLES, "scanner"]
        if role not in served:
            return "role_not_allowed"
        level = body.get("level") or self.env.get("DEFAULT_LEVEL") or "write"
        if level not in levels_of(role):
            return "invalid_level"
        within = levels_of(role)[level]
        permissions = body.get("permissions") or within
        if any(name not in within or RANK[access] > RANK[within[name]] for name, access in permissions.items()):
            return "permissions_not_allowed"
        for rule, holds, code in (
            ("claims", self._claims(claims), "claims_not_allowed"),
            ("ids", self._ids(claims, repository, owner), "org_not_allowed"),
        ):
            if not holds and rule not in self.report:
                return code
            reported |= set() if holds else {rule}
        named = host in self.hosts and bool(self.env.get("WORKFLOW_REFS"))
        trusted = not named or self._ref(ref)
        is_commit = re.fullmatch("[0-9a-f]{40}", ref) is not None
        asks_github = named and is_commit and "commits" in listed(self.env["WORKFLOW_REFS"])
        if not trusted and "workflow_refs" not in self.report and not asks_github:
            return "workflow_not_allowed"
        wanted = self._scope(body, repository, owner, by_itself=by_itself)
        if isinstance(wanted, str):
            return wanted
        org, repos, needs, hard = wanted
        waived = "repo_scope" in self.report and not hard and not by_itself
        if needs and not self.granting and not waived:
            return "scope_not_allowed"
        if not trusted and "workflow_refs" not in self.report:
            return "workflow_not_allowed"  # GitHub is asked about a commit after all other rules
        reported |= set() if trusted else {"workflow_refs"}
        if needs and not self._granted(needs, role, repository, owner):
            if not waived:
                return "target_not_granted"
            reported.add("repo_scope")
        return self._github(Granted(org, repos, permissions, frozenset(reported)), claims, owner)

    def met_by_a_commit(self, claims: Mapping[str, Any]) -> set[str]:
        """Return the possible results of looking up a commit; the host is read with the caller's installation."""
        owner = claims["repository_owner"].lower()
        if "commits" not in listed(self.env.get("WORKFLOW_REFS", "")):
            return set()
        if owner not in self.forge.installed:
            return {"app_not_installed"}
        return {"internal_error"} if claims["repository_owner_id"] not in {None, self.forge.ids[owner]} else set()

    def _workflow(self, claims: Mapping[str, Any]) -> tuple[str, str]:
        path, _, ref = claims["job_workflow_ref"].partition("@")
        return "/".join(path.split("/")[:2]).lower(), ref

    def _trusts(self, host: str, text: str, repository: str, owner: str) -> bool:
        if self.public:
            return host in self.hosts
        file = text.partition("@")[0].rsplit("/", 1)[1].lower()
        files = listed(self.env["ALLOWED_WORKFLOW_FILES"])
        home = host in self.hosts or host == f"{owner}/.fullsend" or (host == repository and host in self.alone)
        return home and ("*" in files or file in files)

    def _claims(self, claims: Mapping[str, Any]) -> bool:
        required = json.loads(self.env.get("REQUIRED_CLAIMS") or "{}")
        return all(
            any(claims[name].startswith(one[:-1]) if one.endswith("*") else claims[name] == one for one in accepted)
            for name, accepted in required.items()
        )

    def _ids(self, claims: Mapping[str, Any], repository: str, owner: str) -> bool:
        known = {name.lower(): str(one) for name, one in json.loads(self.env.get("ENROLLED_IDS") or "{}").items()}
        pairs = ((owner, "repository_owner_id"), (repository, "repository_id"))
        return all(name not in known or claims.get(claim) == known[name] for name, claim in pairs)

    def _ref(self, ref: str) -> bool:
        for pattern in (item.strip() for item in self.env["WORKFLOW_REFS"].split(",")):
            if pattern == "commits":
                if ref in self.forge.commits:
                    return True
            elif ref == pattern or (pattern.endswith("*") and ref.startswith(pattern[:-1])):
                return True
        return False

    def _kind(self, role: str) -> str:
        text = self.env.get("REPO_SCOPE") or "organization"
        if text.startswith("{"):
            table = json.loads(text)
            return str(table.get(role, table.get("*", "organization")))
        return text

    def _scope(
        self, body: Mapping[str, Any], repository: str, owner: str, *, by_itself: bool
    ) -> str | tuple[str, frozenset[str] | None, list[str], bool]:
        """Return organization, repositories, the targets that have to grant, and whether that is never waived."""
        names = [name.lower() for name in body.get("repos") or []]
        everything = names == ["*"]
        target = (body.get("target_org") or owner).lower()
        if target != owner:
            if not self.granting:
                return "grants_not_enabled"
            needs = [target] if everything else [f"{target}/{name}" for name in names]
            return target, None if everything else frozenset(needs), needs, True
        narrow = by_itself or self._kind(body["role"]) == "caller"
        if not names:
            return owner, frozenset({repository}) if narrow else None, [], False
        wanted = frozenset(f"{owner}/{name}" for name in names)
        config = f"{owner}/.fullsend"
        free = {repository} if by_itself else {repository, config}
        if not narrow or (not everything and (wanted <= free or (repository == config and not by_itself))):
            return owner, None if everything else wanted, [], False
        return owner, None if everything else wanted, [owner] if everything else sorted(wanted), False

    def _granted(self, targets: list[str], role: str, repository: str, owner: str) -> bool:
        if not self.granting:
            return False
        variable = f"FULLSEND_FOREIGN_{role.upper()}_REPOS"
        return all(
            {repository, owner} & set(listed(self.forge.variables.get((target, variable), "")))
            for target in targets
        )

    def _github(self, asked: Granted, claims: Mapping[str, Any], owner: str) -> Granted | str:
        kept = {name: access for name, access in asked.permissions.items() if (name, access) != MISSING_AT_GITHUB}
        if not kept:
            return "permissions_not_granted"
        granted = Granted(asked.org, asked.repos, kept, asked.reported, len(asked.permissions) - len(kept))
        if granted.org not in self.forge.installed:
            return "app_not_installed"
        claimed = claims.get("repository_owner_id")
        if granted.org == owner and claimed and claimed != self.forge.ids[owner]:
            return "internal_error"
        if granted.repos is not None and not granted.repos <= self.forge.repositories:
            return "repos_not_accessible"
        return granted
