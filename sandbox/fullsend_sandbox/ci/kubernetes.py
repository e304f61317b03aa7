"""Emulate Kubernetes: projected service-account tokens, which the cluster's API server signs.

Kubernetes: "Managing Service Accounts", bound service account tokens; "Configure Service Accounts for Pods", token
volume projection and issuer discovery. Keys at `/openid/v1/jwks`. RS256, or ES256 with an EC service-account key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fullsend_sandbox.ci.issuer import CIIssuer, CIJob


@dataclass(frozen=True, kw_only=True)
class KubernetesPod(CIJob):
    """The pod of one Job or Tekton TaskRun, and the service account that it runs as."""

    namespace: str = "builds"
    service_account: str = "minter"
    service_account_uid: str = "a709ef71-30e2-489a-bd19-ade97031b9db"
    pod: str = "mint-x7k2p"
    pod_uid: str = "900f80ed-bafe-49f0-9ae2-c5f0a3ac2cbe"
    node: str | None = "worker-1"
    node_uid: str = "517eb86e-b863-451b-bf70-86cb61439a3a"

    def claims(self) -> dict[str, Any]:
        """Return every claim except the issuer's own; the node is included since Kubernetes 1.29."""
        node = {} if self.node is None else {"node": {"name": self.node, "uid": self.node_uid}}
        return {
            "sub": f"system:serviceaccount:{self.namespace}:{self.service_account}",
            "kubernetes.io": {
                "namespace": self.namespace,
                **node,
                "pod": {"name": self.pod, "uid": self.pod_uid},
                "serviceaccount": {"name": self.service_account, "uid": self.service_account_uid},
            },
        }


class KubernetesIssuer(CIIssuer):
    """A cluster's API server; `aud` is always a list, as `TokenRequest` writes it."""

    kind: ClassVar[str] = "kubernetes"
    keys_path: ClassVar[str] = "/openid/v1/jwks"
    lifetime: ClassVar[int] = 3600
    subject: ClassVar[str] = "assertion['kubernetes.io']['pod']['uid']"
    condition: ClassVar[str] = "assertion.sub == 'system:serviceaccount:builds:minter'"
    match: ClassVar[Mapping[str, str]] = {
        "kubernetes.io/namespace": "builds",
        "kubernetes.io/serviceaccount/name": "minter",
    }
    algorithms: ClassVar[tuple[str, ...]] = ("RS256", "ES256")

    def default_job(self) -> KubernetesPod:
        """Return a pod of the service account `minter` in the namespace `builds`."""
        return KubernetesPod()

    def audience_claim(self, audience: Any) -> Any:
        """Return the audiences as a list."""
        return audience if isinstance(audience, list) else [audience]

    def discovery(self) -> dict[str, Any]:
        """Return the document with the one algorithm that the cluster's key is for."""
        return super().discovery() | {"id_token_signing_alg_values_supported": [self._keys.algorithm]}
