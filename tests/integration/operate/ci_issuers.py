"""Issuers of other CI systems in an operator's world."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import urllib3

from fullsend.operate.model import names as ours
from fullsend_sandbox import names

if TYPE_CHECKING:
    from fullsend_sandbox.ci import CIIssuer
    from tests.integration.operate.conftest import Operator


APP = f"{names.ORG}/app"
GITLAB = ("--match", "project_id=4711", "--match", "ref_protected=true", "--as", APP, "--role", "triage")
CLUSTER = "https://kubernetes.default.svc.cluster.local"
REQUEST = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "scope": "https://www.googleapis.com/auth/cloud-platform",
    "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
    "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
}


def started(operator: Operator, kind: str, **options: Any) -> CIIssuer:
    """Start an issuer in the operator's world, without the provider that the world writes with it."""
    issuer = operator.world.ci.add(kind, **options)
    operator.world.federation.remove_provider(ours.MINT_POOL, f"ci-{kind}")
    return issuer


def added(operator: Operator, issuer: CIIssuer, *words: str) -> str:
    return operator.done(
        "mint", "issuer", "add", issuer.kind, "--kind", issuer.kind, "--url", issuer.issuer, *words
    ).stderr


def exchange(operator: Operator, provider: str, token: str) -> tuple[int, str]:
    """Return what Google's token service answers to a token at a provider of the mint's pool."""
    audience = operator.world.federation.resource(ours.MINT_POOL, provider)
    fields = REQUEST | {"audience": audience, "subject_token": token}
    answer = urllib3.request(
        "POST",
        f"{operator.world.sts.url}/v1/token",
        body=urlencode(fields),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    return answer.status, answer.json().get("error", "")


def variables(operator: Operator) -> tuple[Any, Any]:
    environment = operator.state().environment
    return json.loads(environment.get("ISSUERS", "{}")), json.loads(environment.get("CALLERS", "[]"))


def words_of(issuer: CIIssuer, *more: str) -> tuple[str, ...]:
    pairs = [word for claim, value in issuer.match.items() for word in ("--match", f"{claim}={value}")]
    return (*pairs, "--as", APP, "--role", "triage", *more)
