"""The mint that the tests of explanations ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fullsend.explain.claims_file import GivenClaims
from fullsend.explain.configuration import configured
from fullsend.explain.trace import explain
from tests.mint_doubles import ISSUER, NOW, claims

if TYPE_CHECKING:
    from fullsend.explain.checks import Check

ENVIRONMENT = {
    "ALLOWED_ORGS": "octo-org,second-org",
    "ROLE_APP_IDS": '{"coder": "12", "triage": 13}',
    "ALLOWED_WORKFLOW_FILES": "triage.yml",
    "OIDC_ISSUER_URL": ISSUER,
    "GCP_PROJECT_NUMBER": "123456789012",
    "WIF_POOL_NAME": "fullsend-pool",
    "WIF_PROVIDER_NAME": "github-oidc",
}


MINT = configured(ENVIRONMENT, "F")


def checks(role: str = "coder", repos: tuple[str, ...] = (), **changes: Any) -> dict[str, Check]:
    result = explain(GivenClaims(claims(**changes)), role, repos, MINT, now=NOW)
    return {check.name: check for check in result.checks}
