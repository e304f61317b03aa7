"""Store a new GitHub App's key directly from GitHub's answer in a secret or in Cloud KMS.

GitHub sends the key only once. So all preparations, which can fail, are done before the App is created.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fullsend.operate.model import environment
from fullsend.operate.model.kms_names import KMS_API, ring_name
from fullsend.operate.model.mint_state import SecretState
from fullsend.operate.operate_errors import BadInput
from fullsend.operate.plan.kms_keys import is_in_kms, storing_steps
from fullsend.operate.plan.steps.kms_steps import CreateKey, CreateKeyRing, GrantSigner
from fullsend.operate.plan.steps.project_steps import EnableApis
from fullsend.operate.plan.steps.secret_steps import AddKey, CreateSecret, GrantSecret

if TYPE_CHECKING:
    from fullsend.operate.gcp.cloud import Cloud
    from fullsend.operate.model.kms_names import KeyState
    from fullsend.operate.model.mint_state import MintState
    from fullsend.operate.plan.deployment_spec import RoleKey
    from fullsend.operate.plan.steps.step import AnyStep
    from mintcore.policy.names import Role

SECRETS_API = "secretmanager.googleapis.com"
GITHUB_BITS = 2048
"""The size of the RSA keys that GitHub makes."""


@dataclass(frozen=True, slots=True)
class OpenImportJob:
    """Create an import job in advance, because Cloud KMS may take a minute."""

    def title(self) -> str:
        """Return the step's title."""
        return "prepare an import job of Cloud KMS"

    def apply(self, cloud: Cloud, /) -> None:
        """Apply the step."""
        cloud.kms.import_job(ring_name(cloud.location))


def refuse_served(state: MintState, role: Role) -> None:
    """Raise BadInput if the mint serves the role, because it would sign with the new key for the old App."""
    app_id = environment.app_ids(state.environment).get(role)
    if app_id is not None:
        flags = state.location.flags()
        renew = "import-key" if is_in_kms(state, role) else "rotate-key"
        raise BadInput(
            f"The mint serves the role {role} with App {app_id} already.",
            f"For a new key of that App: fullsend mint {renew} {role} --pem FILE.pem {flags}\n"
            f"For another App: create it with --to file:FILE.pem, then "
            f"fullsend mint add-role {role} --app-id APP_ID --pem FILE.pem {flags}",
        )


def preparing_steps(state: MintState, role: Role, in_kms: KeyState | None) -> list[AnyStep[Cloud]]:
    """Return the steps before the App is created; `in_kms` is None for a secret."""
    api = SECRETS_API if in_kms is None else KMS_API
    steps: list[AnyStep[Cloud]] = [] if api in state.apis else [EnableApis((api,))]
    if in_kms is not None:
        if not in_kms.has_ring:
            steps.append(CreateKeyRing())
        if in_kms.versions is None:
            steps.append(CreateKey(role, GITHUB_BITS))
        if state.account and state.member not in in_kms.signers:
            steps.append(GrantSigner(role, state.member))
        return [*steps, OpenImportJob()]
    found = state.secrets.get(role, SecretState())
    if found.versions is None:
        steps.append(CreateSecret(role))
    if state.account and state.member not in found.readers:
        steps.append(GrantSecret(role, state.member))
    return steps


def keeping_steps(state: MintState, role: RoleKey) -> list[AnyStep[Cloud]]:
    """Return the steps that store the key that GitHub has just sent. Raises BadInput."""
    if role.in_kms is not None:
        return list(storing_steps(state, [role], for_mint=state.account))
    return [AddKey(role.role, role.file, role.key)] if role.key is not None else []
