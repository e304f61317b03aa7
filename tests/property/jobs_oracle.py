"""Decide about tokens of several issuers again, with code written from the contract, independent of the mint.

It works on the environment's text, the token's parts and the body as they are, and imports neither the mint nor the
sandbox. It models only what :mod:`tests.property.jobs_requests` generates.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.property.trust_oracle import RANK, levels_of, listed

if TYPE_CHECKING:
    from collections.abc import Mapping

NEEDS = {
    "gitlab": ("project_id", "project_path", "namespace_id"),
    "buildkite": ("organization_slug", "pipeline_slug"),
    "circleci": ("oidc.circleci.com/project-id",),
    "kubernetes": ("kubernetes.io/namespace", "kubernetes.io/serviceaccount/name"),
}
SKEW = 30


@dataclass(frozen=True)
class Bearer:
    """A token before it is written: ``signer`` is the issuer whose key signs, ``names_key_of`` whose id it has."""

    algorithm: str
    signer: str
    names_key_of: str
    claims: Mapping[str, Any]


@dataclass(frozen=True)
class Granted:
    """What a token has to be; ``entry`` is ``None`` for a workflow, ``repos`` empty for the whole installation."""

    org: str
    repos: frozenset[str]
    permissions: Mapping[str, str]
    entry: int | None


class JobsOracle:
    """One environment; ``keys`` has the algorithms of each issuer's keys."""

    def __init__(self, environment: Mapping[str, str], github: str, now: int) -> None:
        self.env = environment
        self.now = now
        self.issuers = {"": {"kind": "github", "url": github}} | json.loads(environment["ISSUERS"])
        self.callers = json.loads(environment["CALLERS"])
        self.orgs = listed(environment["ALLOWED_ORGS"])
        self.report = listed(environment.get("REPORT_ONLY", ""))

    def answer(  # noqa: PLR0911 - the contract's table, from top to bottom
        self, bearer: Bearer, body: Mapping[str, Any]
    ) -> Granted | str:
        """Return what is granted, or the code of the refusal."""
        name = self._issuer(bearer)
        if name is None:
            return "invalid_token"
        if not name:
            return self._workflow(bearer.claims, body)
        claims = flat(bearer.claims)
        mine = [
            (index, entry)
            for index, entry in enumerate(self.callers)
            if entry["issuer"] == name and all(fits(claims, *wanted) for wanted in entry["match"].items())
        ]
        chosen = [one for one in mine if body["role"] in one[1]["roles"]] or mine
        if not chosen:
            return "claims_not_allowed"
        index, entry = chosen[0]
        owner, _, repository = entry["as"].lower().partition("/")
        alone = "*" not in self.orgs and owner not in self.orgs
        if alone and entry["as"].lower() not in self._alone():
            return "org_not_allowed"
        if body["role"] not in self._served() or body["role"] not in entry["roles"]:
            return "role_not_allowed"
        permissions = self._permissions(body, entry.get("level", ""))
        if isinstance(permissions, str):
            return permissions
        if not self._required(claims) and "claims" not in self.report:
            return "claims_not_allowed"
        repos = self._scope(body, owner, repository, self._kind(body["role"], "caller"), alone=alone)
        return repos if isinstance(repos, str) else Granted(owner, repos, permissions, index)

    def _issuer(self, bearer: Bearer) -> str | None:
        """Return the issuer that signed the token, ``None`` without one."""
        claims = bearer.claims
        found = [name for name, one in self.issuers.items() if one["url"] == claims.get("iss")]
        if not found or bearer.signer != found[0] or bearer.names_key_of != found[0]:
            return None
        one = self.issuers[found[0]]
        if bearer.algorithm != "RS256" and not (bearer.algorithm == "ES256" and one["kind"] == "kubernetes"):
            return None
        audience, wanted = claims.get("aud"), one.get("audience", "fullsend-mint")
        whole = audience if isinstance(audience, list) else [audience]
        # A token of GitHub for several services has been accepted since the first version.
        if wanted not in whole or (len(whole) > 1 and one["kind"] != "github"):
            return None
        if not all(type(claims.get(time)) is int for time in ("exp", "iat")):
            return None
        starts = [claims["iat"]] + ([claims["nbf"]] if "nbf" in claims else [])
        if self.now >= claims["exp"] + SKEW or any(start > self.now + SKEW for start in starts):
            return None
        needed = NEEDS.get(one["kind"], ("repository", "repository_owner", "job_workflow_ref", "nbf"))
        return found[0] if all(name in flat(claims) for name in needed) else None

    def _workflow(self, claims: Mapping[str, Any], body: Mapping[str, Any]) -> Granted | str:
        owner, _, repository = claims["repository"].lower().partition("/")
        alone = "*" not in self.orgs and owner not in self.orgs
        if alone and claims["repository"].lower() not in self._alone():
            return "org_not_allowed"
        host = "/".join(claims["job_workflow_ref"].split("/")[:2]).lower()
        own = {f"{owner}/.fullsend"} | (set(self._alone()) & {claims["repository"].lower()})
        if host != "hosts/flows" and ("*" in self.orgs or host not in own):
            return "workflow_not_allowed"
        if body["role"] not in self._served():
            return "role_not_allowed"
        permissions = self._permissions(body, "")
        if isinstance(permissions, str):
            return permissions
        if not self._required(flat(claims)) and "claims" not in self.report:
            return "claims_not_allowed"
        kind = "organization" if "repo_scope" in self.report and named_any(body) else ""
        kind = kind or self._kind(body["role"], "organization")
        repos = self._scope(body, owner, repository, kind, alone=alone)
        return repos if isinstance(repos, str) else Granted(owner, repos, permissions, None)

    def _alone(self) -> list[str]:
        return listed(self.env.get("PER_REPO_WIF_REPOS", ""))

    def _served(self) -> list[str]:
        return listed(self.env.get("ALLOWED_ROLES", "")) or ["coder", "triage", "fix"]

    def _permissions(self, body: Mapping[str, Any], ceiling: str) -> Mapping[str, str] | str:
        levels = levels_of(body["role"])
        level = body.get("level") or ceiling or self.env.get("DEFAULT_LEVEL") or "write"
        if level not in levels:
            return "invalid_level"
        if ceiling == "read" and level == "write":
            return "permissions_not_allowed"
        within = levels[level]
        permissions: Mapping[str, str] = body.get("permissions") or within
        if any(name not in within or RANK[access] > RANK[within[name]] for name, access in permissions.items()):
            return "permissions_not_allowed"
        return permissions

    def _required(self, claims: Mapping[str, str]) -> bool:
        required = json.loads(self.env.get("REQUIRED_CLAIMS") or "{}")
        return all(any(fits(claims, name, one) for one in accepted) for name, accepted in required.items())

    def _kind(self, role: str, unset: str) -> str:
        text = self.env.get("REPO_SCOPE") or unset
        if not text.startswith("{"):
            return text
        table = json.loads(text)
        return str(table.get(role, table.get("*", unset)))

    def _scope(
        self, body: Mapping[str, Any], owner: str, repository: str, kind: str, *, alone: bool
    ) -> frozenset[str] | str:
        named = [name.lower() for name in body.get("repos") or []]
        narrow = alone or kind == "caller"
        if not named:
            return frozenset({f"{owner}/{repository}"} if narrow else set())
        whole = frozenset() if named == ["*"] else frozenset(f"{owner}/{name}" for name in named)
        if not narrow:
            return whole
        free = {repository} if alone else {repository, ".fullsend"}
        if named != ["*"] and (set(named) <= free or (repository == ".fullsend" and not alone)):
            return whole
        return "scope_not_allowed"


def flat(claims: Mapping[str, Any]) -> dict[str, str]:
    """Return the claims that can be compared, as text; those under ``kubernetes.io`` by their path."""
    found = {name: text(value) for name, value in claims.items() if not name.startswith("kubernetes.io")}
    for name, value in (claims.get("kubernetes.io") or {}).items():
        inner = value.items() if isinstance(value, dict) else [("", value)]
        found |= {f"kubernetes.io/{name}/{key}".rstrip("/"): text(one) for key, one in inner}
    return {name: value for name, value in found.items() if value is not None}


def text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None


def named_any(body: Mapping[str, Any]) -> bool:
    """Whether repositories are named; without any, the scope says which are meant, and denies nothing."""
    return bool(body.get("repos"))


def fits(claims: Mapping[str, str], name: str, wanted: str) -> bool:
    value = claims.get(name)
    if value is None:
        return False
    return value[: len(wanted) - 1] == wanted[:-1] if wanted[-1] == "*" else value == wanted
