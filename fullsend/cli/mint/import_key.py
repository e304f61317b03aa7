"""`fullsend mint import-key`: move a role's App key into Cloud KMS, where it can sign but not be read."""

from __future__ import annotations

from pathlib import Path

import click

from fullsend.cli.mint.operator_options import carry_out, check_with_github, google, place_options, plan_options
from fullsend.cli.output import note, progress, yes_option
from fullsend.operate.gcp.read_state import read_state
from fullsend.operate.model import environment, names
from fullsend.operate.model.names import secret_id
from fullsend.operate.plan.deployment_spec import RoleKey
from fullsend.operate.plan.enrollment import require_mint
from fullsend.operate.plan.kms_changes import KeyFile, import_key, read_key
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
    """Move a role's App key into Cloud KMS, without a pause in minting.

    The mint can then sign with the key and cannot read it; nor can anyone else. Run it again with a new key of the
    App to replace the old one, which is then disabled.
    """
    with google(project, region) as cloud:
        name = names.role(role)
        key = read_pem(pem, name)
        with progress(f"reading the project {project}"):
            state = read_state(cloud, [name])
            require_mint(state)
            found = read_key(cloud, state, name, key)
        steps = import_key(state, found, KeyFile(name, str(pem), key), delete_secret=delete_secret)
        app_id = environment.app_ids(state.environment)[role]
        check_with_github(RoleKey(name, app_id, str(pem), key), key, state.environment)
        already = f"The role {role} signs with this key in Cloud KMS already."
        question = f"Delete the secret {secret_id(name)}, too?" if delete_secret else ""
        done = carry_out(steps, cloud, dry_run=dry_run, emit=emit, otherwise=already, question=question, yes=yes)
        if done and steps:
            note(f"The role {role} signs with Cloud KMS.")
            secret = state.secrets.get(name)
            if not delete_secret and secret is not None and secret.versions is not None:
                note(f"The secret {secret_id(name)} still has a copy of a key. To delete it, add --delete-secret.")
            note(f"Delete {pem}: the mint does not need it.")
