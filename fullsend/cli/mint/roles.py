"""`fullsend mint add-role`, `remove-role` and `rotate-key`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fullsend.cli.lists import listing
from fullsend.cli.mint.operator_options import carry_out, check_with_github, google, place_options, plan_options
from fullsend.cli.mint.role_keys import check_role, kms_option, report_leftovers, with_kms
from fullsend.cli.output import note, progress, yes_option
from fullsend.operate.gcp.read_state import read_state, roles_of
from fullsend.operate.model import environment, names
from fullsend.operate.operate_errors import BadInput, GoogleFailed, MissingPermission, NotThere
from fullsend.operate.plan import role_changes as plans
from fullsend.operate.plan.deployment_spec import RoleKey
from fullsend.operate.plan.enrollment import require_mint
from fullsend.operate.plan.kms_keys import is_in_kms
from fullsend.operate.plan.pem_file import read_pem
from mintcore.policy.roles import check_custom_role, widest

if TYPE_CHECKING:
    from fullsend.operate.gcp.cloud import Cloud
    from mintcore.policy.names import Role
    from mintcore.secret import Secret

_pem = click.Path(path_type=Path, dir_okay=False)


@click.command("add-role")
@click.argument("role")
@place_options
@click.option("--app-id", required=True, help="The App's ID, a number; not its client ID.")
@click.option("--pem", type=_pem, help="The App's private key, the .pem file that GitHub offered for download.")
@click.option("--use-existing-secret", is_flag=True, help="The key is in Secret Manager already.")
@kms_option
@click.option("--permission", "permissions", multiple=True, metavar="NAME:LEVEL", help="For a custom role.")
@plan_options
def add_role(
    *,
    role: str,
    project: str,
    region: str,
    app_id: str,
    pem: Path | None,
    use_existing_secret: bool,
    kms: bool,
    permissions: tuple[str, ...],
    dry_run: bool,
    emit: str | None,
) -> None:
    """Add a role, or give it another App.

    Checks with GitHub first that the key is that App's and that the App has the role's permissions.
    """
    if kms and use_existing_secret:
        raise click.UsageError("Give --kms or --use-existing-secret: a key is in Cloud KMS or in a secret.")
    if (pem is not None and use_existing_secret) or not (pem is not None or use_existing_secret or kms):
        raise click.UsageError(
            "Say where the App's key is: --pem FILE, --use-existing-secret, or --kms (also with --pem)."
        )
    with google(project, region) as cloud:
        name = names.role(role)
        key = read_pem(pem, name) if pem else None
        granted = _permissions(role, permissions)
        wanted = RoleKey(name, names.app_id(app_id), str(pem or ""), key, permissions=granted)
        with progress(f"reading the project {project}"):
            state = read_state(cloud, [name])
            wanted = with_kms(cloud, state, wanted) if kms else wanted
        steps = plans.add_role(state, wanted)
        check_role(cloud, wanted, state.environment)
        already = f"The mint serves the role {role} already."
        if carry_out(steps, cloud, dry_run=dry_run, emit=emit, otherwise=already) and steps:
            note(f"The mint serves the role {role}.")
            report_leftovers(state, wanted)


def _permissions(role: str, given: tuple[str, ...]) -> str:
    pairs = dict(pair.partition(":")[::2] for pair in given)
    if not pairs:
        return ""
    try:
        return " ".join(f"{name}:{level}" for name, level in widest(check_custom_role(role, pairs)[1]).items())
    except ValueError as error:
        raise BadInput(f"{error}.") from None


@click.command("remove-role")
@click.argument("role")
@place_options
@click.option(
    "--keep-pem", is_flag=True, help="Keep the secret with the App's key; only the mint's access to it is removed."
)
@yes_option
@plan_options
def remove_role(
    *, role: str, project: str, region: str, keep_pem: bool, yes: bool, dry_run: bool, emit: str | None
) -> None:
    """Remove a role, and the App's key from Secret Manager."""
    with google(project, region) as cloud:
        name = names.role(role)
        with progress(f"reading the project {project}"):
            state = read_state(cloud, [name])
        steps = plans.remove_role(state, name, keep_pem=keep_pem)
        question = f"Remove the role {role}" + ("?" if keep_pem else " and its key?")
        already = f"The mint has no role {role}. It serves: {listing(roles_of(state.environment))}."
        done = carry_out(steps, cloud, dry_run=dry_run, emit=emit, otherwise=already, question=question, yes=yes)
        if done and steps:
            note(f"The role {role} is removed.")


@click.command("rotate-key")
@click.argument("role")
@place_options
@click.option("--pem", type=_pem, required=True, help="The App's new private key.")
@plan_options
def rotate_key(*, role: str, project: str, region: str, pem: Path, dry_run: bool, emit: str | None) -> None:
    """Replace a role's App key without interrupting minting.

    Generate the new key on the App's page first. Delete the old key there only after this command has succeeded.
    """
    with google(project, region) as cloud:
        name = names.role(role)
        key = read_pem(pem, name)
        with progress(f"reading the project {project}"):
            state = read_state(cloud, [name])
        require_mint(state)
        if is_in_kms(state, name):
            raise BadInput(
                f"The role {role} signs with Cloud KMS.",
                f"fullsend mint import-key {role} --pem {pem} {state.location.flags()} replaces its key there.",
            )
        app_id = environment.app_ids(state.environment).get(role, "")
        wanted = RoleKey(name, app_id, str(pem), key)
        steps = plans.rotate_key(state, wanted, _stored(cloud, name))
        check_with_github(wanted, key, state.environment)
        shown = plans.fingerprint(key)
        already = f"{shown} is already the key in use."
        if carry_out(steps, cloud, dry_run=dry_run, emit=emit, otherwise=already) and steps:
            note(f"The mint signs with the key {shown}. Delete the old key on the App's page.")


def _stored(cloud: Cloud, role: Role) -> Secret | None:
    try:
        return cloud.secrets.value(cloud.location.secret(role))
    except (NotThere, GoogleFailed, MissingPermission):
        return None  # no version exists, the newest is disabled, or the operator may not read it
