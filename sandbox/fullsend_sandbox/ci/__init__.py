"""Emulate the OIDC issuers of other CI systems, with their documented claims.

They only issue tokens. The mint and Google decide whether to accept them.
"""

from fullsend_sandbox.ci.buildkite import BuildkiteIssuer, BuildkiteJob
from fullsend_sandbox.ci.circleci import CircleCIIssuer, CircleCIJob
from fullsend_sandbox.ci.gitlab import GitLabIssuer, GitLabJob
from fullsend_sandbox.ci.issuer import CIIssuer, CIJob
from fullsend_sandbox.ci.kubernetes import KubernetesIssuer, KubernetesPod
from fullsend_sandbox.ci.systems import KINDS, CISystems

__all__ = [
    "KINDS",
    "BuildkiteIssuer",
    "BuildkiteJob",
    "CIIssuer",
    "CIJob",
    "CISystems",
    "CircleCIIssuer",
    "CircleCIJob",
    "GitLabIssuer",
    "GitLabJob",
    "KubernetesIssuer",
    "KubernetesPod",
]
