"""Find the usual fix of a refusal by Google: a role, an organization policy, an API, a billing account.

Each command is on its own line, ready to copy.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from fullsend.operate.model.names import FUNCTION
from mintcore.settings.environment import DEFAULT_ISSUER

if TYPE_CHECKING:
    from collections.abc import Callable

PERMISSION = re.compile(r"\b([a-z][a-zA-Z]+\.[a-zA-Z]+\.[a-zA-Z]+)\b")
_REFUSED_VALUE = re.compile(r"violated for value: '([!-&(-~]{1,300})'")
"""https://cloud.google.com/iam/docs/workload-identity-federation-troubleshoot"""
UNKNOWN_PRINCIPAL = "user:EMAIL"

# The narrowest predefined role with the permission; the first matching prefix is used.
_ROLES = (
    ("iam.serviceAccounts.actAs", "roles/iam.serviceAccountUser"),
    ("iam.serviceAccounts.", "roles/iam.serviceAccountAdmin"),
    ("iam.workloadIdentityPool", "roles/iam.workloadIdentityPoolAdmin"),
    ("secretmanager.versions.access", "roles/secretmanager.secretAccessor"),
    ("secretmanager.", "roles/secretmanager.admin"),
    ("cloudkms.cryptoKeyVersions.viewPublicKey", "roles/cloudkms.publicKeyViewer"),
    ("cloudkms.cryptoKeyVersions.useToSign", "roles/cloudkms.signer"),
    ("cloudkms.importJobs.", "roles/cloudkms.importer"),
    ("cloudkms.", "roles/cloudkms.admin"),
    ("cloudfunctions.", "roles/cloudfunctions.developer"),
    ("run.", "roles/run.admin"),
    ("serviceusage.services.use", "roles/serviceusage.serviceUsageConsumer"),
    ("serviceusage.services.list", "roles/serviceusage.serviceUsageViewer"),
    ("serviceusage.services.get", "roles/serviceusage.serviceUsageViewer"),
    ("serviceusage.", "roles/serviceusage.serviceUsageAdmin"),
    ("resourcemanager.projects.setIamPolicy", "roles/resourcemanager.projectIamAdmin"),
    ("resourcemanager.projects.getIamPolicy", "roles/resourcemanager.projectIamAdmin"),
    ("resourcemanager.", "roles/browser"),
    ("cloudbuild.", "roles/cloudbuild.builds.viewer"),
)


def role_for(permission: str) -> str:
    """Return the predefined role to grant for a permission; empty for an unknown permission."""
    return next((role for prefix, role in _ROLES if permission.startswith(prefix)), "")


def grant(permission: str, hint: str, project: str, principal: str) -> str:
    """Return how to give `principal` a role with the permission; `hint` is the refused API method."""
    what = f"The permission {permission}" if permission else "A permission"
    role = role_for(permission or _as_permission(hint)) or "roles/owner"
    member = principal or UNKNOWN_PRINCIPAL
    who = "" if principal else "\nEMAIL is the account of your login; a service account is serviceAccount:EMAIL."
    return (
        f"{what} is missing; the role {role} has it. An administrator of the project's IAM policy runs:\n"
        f"gcloud projects add-iam-policy-binding {project} --member={member} --role={role} --condition=None\n"
        f"It takes effect after about a minute.{who}"
    )


def _as_permission(method: str) -> str:
    """Return a method's probable permission: `iam.projects.serviceAccounts.get` has the resource inside."""
    api, *path = method.split(".")
    words = [part for part in path if part not in {"projects", "locations"}]
    words = ["workloadIdentityPools" if part == "providers" else part for part in words]
    if len(words) == 1:
        words = ["projects", *words]  # the project itself
    return ".".join(["resourcemanager" if api == "cloudresourcemanager" else api, *words])


def enable_api(api: str, project: str) -> str:
    """Return how to enable an API."""
    command = f"gcloud services enable {api or 'NAME.googleapis.com'} --project={project}"
    return f"{command}\nA newly enabled API takes up to a few minutes to work."


def _identity_providers(project: str, text: str) -> str:
    refused = _REFUSED_VALUE.search(text)
    value = shlex.quote(refused[1]) if refused else DEFAULT_ISSUER
    return (
        "An organization policy lists the identity providers that may be trusted. Its administrator runs:\n"
        f"gcloud resource-manager org-policies allow iam.workloadIdentityPoolProviders {value} --project={project}"
    )


def _public_members(project: str, _said: str) -> str:
    return (
        "An organization policy forbids allUsers. Let Cloud Run admit every request instead; the mint checks each "
        "caller's token itself:\n"
        f"gcloud run services update {FUNCTION} --no-invoker-iam-check --project={project} --region=REGION\n"
        "Or the policy's administrator makes an exception for this project: "
        f"https://console.cloud.google.com/iam-admin/orgpolicies/iam-allowedPolicyMemberDomains?project={project}"
    )


def _billing(project: str, _said: str) -> str:
    return (
        "The project has no active billing account. List yours, then link one:\n"
        "gcloud billing accounts list\n"
        f"gcloud billing projects link {project} --billing-account=ACCOUNT_ID"
    )


_POLICIES: tuple[tuple[re.Pattern[str], Callable[[str, str], str]], ...] = (
    # Not the permissions, which continue after the dot: iam.workloadIdentityPoolProviders.create
    (re.compile(r"iam\.workloadIdentityPoolProviders(?![.\w]\w)", re.IGNORECASE), _identity_providers),
    # A refused binding names no constraint: "users … do not belong to a permitted customer".
    (re.compile(r"allowedPolicyMemberDomains|permitted customer", re.IGNORECASE), _public_members),
    (re.compile(r"billing_disabled|billing account|billing to be enabled", re.IGNORECASE), _billing),
)


def for_policy(text: str, project: str) -> str:
    """Return the remedy for a named organization policy or missing billing; empty for anything else.

    `text` is Google's whole answer, with its details.
    """
    return next((remedy(project, text) for pattern, remedy in _POLICIES if pattern.search(text)), "")
