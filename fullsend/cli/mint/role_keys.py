"""Handle a role's key for several commands: its place, its check with GitHub, and leftover copies."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from fullsend.cli.mint.operator_options import check_with_github
from fullsend.cli.output import note
from fullsend.operate.model.kms_names import keys_in_use
from fullsend.operate.model.names import secret_id
from fullsend.operate.plan.kms_keys import read_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.operate.gcp.cloud import Cloud
    from fullsend.operate.model.mint_state import MintState
    from fullsend.operate.plan.deployment_spec import RoleKey
    from mintcore.secret import Secret


def kms_option(command: Any) -> Any:
    """Add `--kms`; it arrives as `kms`."""
    text = (
        "Keep the key in Cloud KMS, which signs with it and never shows it. Without a file, use the key already "
        "there."
    )
    return click.option("--kms", is_flag=True, help=text)(command)


def with_kms(cloud: Cloud, state: MintState, role: RoleKey) -> RoleKey:
    """Return the role with its key's state in Cloud KMS. Raises OperateError."""
    return replace(role, in_kms=read_key(cloud, state, role.role, role.key))


def check_role(cloud: Cloud, role: RoleKey, environment: Mapping[str, str]) -> None:
    """Check that the role's key belongs to its App, and that the App has the role's permissions. Raises Failure."""
    check_with_github(role, proof(cloud, role, environment), environment)


def proof(cloud: Cloud, role: RoleKey, environment: Mapping[str, str]) -> Secret | str:
    """Return the key, or an App JWT that the key in Cloud KMS has signed. Raises Failure."""
    if role.key is not None:
        return role.key
    version = role.in_kms.usable if role.in_kms is not None else keys_in_use(environment).get(role.role, "")
    if version:
        return cloud.kms.app_assertion(version, role.app_id, time.time())
    return cloud.secrets.value(cloud.location.secret(role.role))


def report_leftovers(state: MintState, role: RoleKey, *, secret_deleted: bool = False) -> None:
    """Print where copies remain of a key that is now in Cloud KMS."""
    if role.in_kms is None:
        return
    secret = state.secrets.get(role.role)
    if secret is not None and secret.versions and not secret_deleted:
        delete = f"gcloud secrets delete {secret_id(role.role)} --project {state.location.project}"
        note(f"The secret {secret_id(role.role)} still has a copy of a key. To delete it: {delete}")
    if role.file:
        note(f"Delete {role.file}: the mint does not need it.")
