"""Examples of ISSUERS and CALLERS for each kind of issuer. An error message shows the example of its kind."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_UUID = "0184990a-477b-4fa8-9968-496074483cee"


class Example(NamedTuple):
    """The fields of an issuer without its kind, and the match of an entry that pins a project."""

    fields: Mapping[str, str]
    match: Mapping[str, str]


EXAMPLES: Mapping[str, Example] = MappingProxyType(
    {
        "github": Example({"url": "https://ghes.example.com/_services/token"}, {}),
        "gitlab": Example(
            {"url": "https://gitlab.com"},
            {"project_id": "4711", "ref_protected": "true", "ref_path": "refs/heads/main"},
        ),
        "buildkite": Example(
            {"url": "https://agent.buildkite.com"},
            {
                "organization_slug": "acme",
                "pipeline_slug": "app",
                "build_branch": "main",
                "sub": "organization:acme:pipeline:app:ref:refs/heads/main:*",
            },
        ),
        "circleci": Example(
            {"url": f"https://oidc.circleci.com/org/{_UUID}"},
            {
                "oidc.circleci.com/project-id": _UUID,
                "oidc.circleci.com/vcs-origin": "github.com/acme/app",
                "oidc.circleci.com/vcs-ref": "refs/heads/main",
                "oidc.circleci.com/ssh-rerun": "false",
            },
        ),
        "kubernetes": Example(
            {"url": "https://kubernetes.default.svc", "jwks_file": "/etc/fullsend/jwks.json"},
            {"kubernetes.io/namespace": "ci", "kubernetes.io/serviceaccount/name": "deployer"},
        ),
    }
)


def issuer_example(name: str, kind: object) -> str:
    """Return a value of ISSUERS with an issuer of this kind; empty for an unknown kind."""
    example = EXAMPLES.get(kind) if isinstance(kind, str) else None
    return "" if example is None else _quoted({name: {"kind": kind, **example.fields}})


def caller_example(issuer: str, kind: str) -> str:
    """Return a value of CALLERS with an entry for an issuer of this kind; empty for GitHub's."""
    match = EXAMPLES[kind].match
    entry = {"issuer": issuer, "match": dict(match), "as": "my-org/my-repo", "roles": ["coder"]}
    return _quoted([entry]) if match else ""


def _quoted(value: object) -> str:
    return f"'{json.dumps(value)}'"
