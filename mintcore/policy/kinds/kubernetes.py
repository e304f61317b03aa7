"""Read a :class:`Job` from a projected service-account token of Kubernetes, for example in Tekton.

Source: Kubernetes, "Managing Service Accounts" (bound tokens). The claims are nested under ``kubernetes.io``; an
entry names them by their path. ``aud`` is a list. Clusters sign with RS256 or, with a key on P-256, ES256. Legacy
tokens, which Kubernetes keeps in Secrets, have no audience and no expiry and are refused.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mintcore.policy.caller import Job
from mintcore.policy.claim_values import nested_claims, plain_claims, require
from mintcore.policy.issuers import Kind, Use

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = "kubernetes"
_NESTED = "kubernetes.io"
_NAMESPACE, _ACCOUNT = f"{_NESTED}/namespace", f"{_NESTED}/serviceaccount/name"
_ACCOUNT_UID = f"{_NESTED}/serviceaccount/uid"
_POD, _POD_UID = f"{_NESTED}/pod/name", f"{_NESTED}/pod/uid"
CLAIMS: Mapping[str, Use] = MappingProxyType(
    {
        **dict.fromkeys(("iss", "aud", "exp", "nbf", "iat"), Use.CHECKED),
        "jti": Use.COUNTED,
        **dict.fromkeys((_NAMESPACE, _ACCOUNT, _ACCOUNT_UID, _POD), Use.MATCH | Use.AUDIT),
        _POD_UID: Use.AUDIT,
        **dict.fromkeys(("sub", f"{_NESTED}/node/name", f"{_NESTED}/node/uid"), Use.MATCH),
        **dict.fromkeys((f"{_NESTED}/secret/name", f"{_NESTED}/secret/uid", f"{_NESTED}/warnafter"), Use.KEPT),
    }
)


def kubernetes_job(unverified_claims: Mapping[str, Any], issuer: str) -> Job:
    """Return the job that the claims name. Raises InvalidToken if they name no service account."""
    # Attack: a top-level claim that is named like a path must not replace the nested claim.
    top = {name: value for name, value in unverified_claims.items() if not name.startswith(f"{_NESTED}/")}
    claims = MappingProxyType({**plain_claims(top), **nested_claims(unverified_claims, _NESTED)})
    require(claims, (_NAMESPACE, _ACCOUNT))
    return Job(
        issuer,
        _NAME,
        f"{claims[_NAMESPACE]}/{claims[_ACCOUNT]}",
        claims.get(_ACCOUNT_UID, ""),
        pipeline=claims.get(_POD, ""),
        run_id=claims.get(_POD_UID, ""),
        claims=claims,
        token_id=claims.get("jti", ""),
        expires_at=float(unverified_claims["exp"]),
    )


KUBERNETES = Kind(
    _NAME,
    frozenset({"RS256", "ES256"}),
    CLAIMS,
    identities=((_NAMESPACE, _ACCOUNT), (_NAMESPACE, _ACCOUNT_UID)),
    job=kubernetes_job,
)
