"""Define the names of resources, and check the names that an operator gives before any call.

`federation` and `environment` define the contents of these resources.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from fullsend.operate.operate_errors import BadInput
from mintcore.policy.issuers import parse_issuer_name
from mintcore.policy.names import Org, Repo, Role, parse_repo, parse_role, repo_provider_id

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

FUNCTION = "fullsend-mint"
MINT_POOL = "fullsend-pool"
INFERENCE_POOL = "fullsend-inference"
PROVIDER = "github-oidc"
REGION = "us-central1"
MIN_PROVIDER_ID = 4

_PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
_REGION = re.compile(r"[a-z]+(?:-[a-z]+)+[0-9]{1,2}")
_APP_ID = re.compile(r"[1-9][0-9]{0,18}")
_WORKFLOW_FILE = re.compile(r"[^/@,\s]+\.ya?ml")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")


def project_id(text: str) -> str:
    """Return a Google Cloud project id. Raises BadInput."""
    if not _PROJECT.fullmatch(text):
        raise BadInput(
            f"{text!r} is not a project id: 6 to 30 lowercase letters, digits and '-', a letter first.",
            "`gcloud projects list` shows your projects; the id is neither the name nor the number.",
        )
    return text


def region(text: str) -> str:
    """Return a Cloud Functions region. Raises BadInput."""
    if not _REGION.fullmatch(text):
        raise BadInput(
            f"{text!r} is not a region, such as {REGION}.", "`gcloud functions regions list` shows the regions."
        )
    return text


def org(text: str) -> Org:
    """Return an organization's or user's login. Raises BadInput."""
    return _checked(text, Org, "is not an organization", "my-org")


def repo(text: str) -> Repo:
    """Return a repository whose provider id Google accepts. Raises BadInput."""
    found = _checked(text, parse_repo, "is not a repository", "my-org/my-repo")
    if len(repo_provider_id(found)) < MIN_PROVIDER_ID:
        raise BadInput(f"{text!r} is too short for a workload identity provider's name.")
    return found


def any_repo(text: str) -> Repo:
    """Return a repository, also one that cannot have its own provider. Raises BadInput."""
    return _checked(text, parse_repo, "is not a repository", "my-org/my-repo")


def target(text: str) -> Org | Repo:
    """Return the organization or repository that `O` or `O/R` names. Raises BadInput."""
    return repo(text) if "/" in text else org(text)


def role(text: str) -> Role:
    """Return a role's name. Raises BadInput."""
    return _checked(text, parse_role, "is not a role", "review")


def issuer_name(text: str) -> str:
    """Return an issuer's name. Raises BadInput."""
    return _checked(text, parse_issuer_name, "is not an issuer's name", "gitlab")


def app_id(text: str) -> str:
    """Return a GitHub App's id. Raises BadInput."""
    if not _APP_ID.fullmatch(text):
        raise BadInput(
            f"{text!r} is not an App ID, which is a number.",
            "The App's page shows it under 'About', above the client ID.",
        )
    return text


def workflow_file(text: str) -> str:
    """Return a workflow's file name, or `*`. Raises BadInput."""
    if text != "*" and not _WORKFLOW_FILE.fullmatch(text):
        raise BadInput(f"{text!r} is not a workflow file: its name without a folder, ending in .yml or .yaml.")
    return text


def variable(text: str) -> tuple[str, str]:
    """Return the parts of NAME=VALUE. Raises BadInput."""
    name, equals, value = text.partition("=")
    if not equals or not _VARIABLE.fullmatch(name):
        raise BadInput(f"{name!r} is not NAME=VALUE with a name of capital letters, digits and '_'.")
    return name, value


def _checked(text: str, parse: Callable[[str], T], what: str, example: str) -> T:
    try:
        return parse(text)
    except ValueError as rule:
        raise BadInput(f"{text!r} {what}: {rule}.", f"Write the name, such as {example}") from None


def secret_id(role: Role) -> str:
    """Return the id of the secret with the role's App key."""
    return f"fullsend-{role}-app-pem"


@dataclass(frozen=True, slots=True)
class MintLocation:
    """The project and region of a mint, from which the names of its resources follow."""

    project: str
    region: str = REGION

    @property
    def service_account(self) -> str:
        """The mint's own identity."""
        return f"{FUNCTION}@{self.project}.iam.gserviceaccount.com"

    @property
    def function(self) -> str:
        """The function's resource name; the Cloud Run service below it differs in one word."""
        return f"projects/{self.project}/locations/{self.region}/functions/{FUNCTION}"

    @property
    def service(self) -> str:
        """The Cloud Run service's resource name."""
        return f"projects/{self.project}/locations/{self.region}/services/{FUNCTION}"

    def pool(self, pool: str) -> str:
        """Return a workload identity pool's resource name."""
        return f"projects/{self.project}/locations/global/workloadIdentityPools/{pool}"

    def provider(self, pool: str, provider: str) -> str:
        """Return a provider's resource name."""
        return f"{self.pool(pool)}/providers/{provider}"

    def secret(self, role: Role) -> str:
        """Return the resource name of a role's secret."""
        return f"projects/{self.project}/secrets/{secret_id(role)}"

    def read_log(self) -> str:
        """Return the command that prints the mint's newest log lines.

        `gcloud run services logs read` ends with an error on JSON lines (SDK 528), and the mint prints JSON.
        """
        where = f'resource.labels.service_name="{FUNCTION}" AND resource.labels.location="{self.region}"'
        shown = "value(timestamp,severity,jsonPayload.message,textPayload)"
        return f"gcloud logging read '{where}' --project {self.project} --limit 50 --format '{shown}'"

    def flags(self) -> str:
        """Return the command line options that name this project and region."""
        return f"--project {self.project}" + ("" if self.region == REGION else f" --region {self.region}")
