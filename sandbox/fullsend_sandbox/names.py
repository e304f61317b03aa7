"""Define the names in the sandbox's world, and a separate copy of the permissions of each role's App.

Independent of the mint on purpose: these tables describe the operator's setup, not the mint's decisions.
"""

PROJECT_NUMBER = "123456789012"
PROJECT_ID = "octo-project"
POOL = "fullsend-pool"
PROVIDER = "github-oidc"
AUDIENCE = "fullsend-mint"

ORG = "octo-org"
OTHER_ORG = "other-org"
"""Has every App installed too, but is not enrolled: only the mint's policy keeps it out."""
BARE_ORG = "bare-org"
"""Has no App installed."""
REPOSITORIES = (
    "octo-org/.fullsend",
    "octo-org/app",
    "octo-org/docs",
    "other-org/.fullsend",
    "other-org/app",
    "bare-org/app",
    "fullsend-ai/fullsend",
)
PUBLIC_REPOSITORIES = ("fullsend-ai/fullsend",)
WORKFLOW_FILES = "triage.yml,coder.yml,review.yml,fix.yml,retro.yml,prioritize.yml,fullsend.yml,e2e.yml"

_TABLE = """
fullsend: actions:write actions_variables:read contents:write pull_requests:write workflows:write metadata:read
triage: contents:read issues:write metadata:read
coder: contents:write pull_requests:write issues:write checks:read metadata:read
review: contents:read pull_requests:write issues:write checks:read metadata:read
retro: contents:read pull_requests:write issues:write actions:read metadata:read
prioritize: contents:read issues:write organization_projects:write metadata:read
e2e: actions:write actions_variables:write administration:write contents:write issues:write members:write
 metadata:read organization_actions_variables:write organization_administration:write pull_requests:write
 secrets:write workflows:write
scribe: contents:read issues:write metadata:read
"""

GRANT_PERMISSIONS = {"actions_variables": "read", "organization_actions_variables": "read"}
"""The permissions that an App needs, beside its role's, so a mint can read grants with it."""


def app_permissions() -> dict[str, dict[str, str]]:
    """Return the permissions of each role's App; `fix` uses coder's App."""
    roles: dict[str, dict[str, str]] = {}
    for line in _TABLE.strip().replace("\n ", " ").splitlines():
        role, _, permissions = line.partition(": ")
        roles[role] = dict(pair.split(":") for pair in permissions.split())
    return roles


def secret_name(role: str) -> str:
    """Return the name of the secret that holds a role's App key."""
    return f"fullsend-{role}-app-pem"
