"""`fullsend mint import-key`: move a role's App key into Cloud KMS, where it can sign but not be read."""

from __future__ import annotations

from pathlib import Path

import click

from fullsend.cli.mint.operator_options import carry_out, google, place_options, plan_options
from fullsend.cli.mint.role_keys import check_role, report_leftovers, with_kms
from fullsend.cli.output import note, progress, yes_option
from fullsend.operate.gcp.read_state import read_state
from fullsend.operate.model import environment, names
from fullsend.operate.model.names import secret_id
from fullsend.operate.plan.deployment_spec import RoleKey
from fullsend.operate.plan.enrollment import require_mint
from fullsend.operate.plan.kms_changes import import_key
from fullsend.operate.plan.pem_file import read_pem


@click.command("import-key")
@click.argument("role")
@place_options
@click.option(
    "--pem", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The App's private key."
)
@click.option("--delete-secret", is_flag=True, help="Delete the role's secret once the mint signs with Cloud KMS.")
@yes_option
@plan_options
def import_key_(
    *,
    role: str,
    project: str,
    region: str,
    pem: Path,
    delete_secret: bool,
    yes: bool,
    dry_run: bool,
    emit: str | None,
) -> None:
    """Move a role's App key into Cloud KMS without interrupting minting.

    The mint can then sign with the key, but no one can read it. Run the command again with a new key of the App to
    replace the old key, which is then disabled.
    """
    with google(project, region) as cloud:
        name = names.role(role)
        key = read_pem(pem, name)
        with progress(f"reading the project {project}"):
            state = read_state(cloud, [name])
            require_mint(state)
            app_id = environment.app_ids(state.environment).get(role, "")
            wanted = with_kms(cloud, state, RoleKey(name, app_id, str(pem), key))
        steps = import_key(state, wanted, delete_secret=delete_secret)
        check_role(cloud, wanted, state.environment)
        already = f"The role {role} signs with this key in Cloud KMS already."
        question = f"Delete the secret {secret_id(name)}, too?" if delete_secret else ""
        done = carry_out(steps, cloud, dry_run=dry_run, emit=emit, otherwise=already, question=question, yes=yes)
        if done and steps:
            note(f"The role {role} signs with Cloud KMS.")
            report_leftovers(state, wanted, secret_deleted=delete_secret)
