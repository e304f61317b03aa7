"""`fullsend mint delete`: remove everything that `deploy` made, in reverse order."""

from __future__ import annotations

import click

from fullsend.cli.mint.operator_options import carry_out, google, place_options, plan_options
from fullsend.cli.output import note, progress, yes_option
from fullsend.operate.gcp.read_state import read_state, stored_keys, stored_kms_keys
from fullsend.operate.model.names import FUNCTION
from fullsend.operate.plan.deletion import delete as plan
from fullsend.operate.plan.deletion import kept_keys, keys_elsewhere, own_keys, own_kms_versions, refuse_elsewhere


@click.command()
@place_options
@click.option("--keep-keys", is_flag=True, help="Keep the Apps' keys in secrets and in Cloud KMS.")
@yes_option
@plan_options
def delete(*, project: str, region: str, keep_keys: bool, yes: bool, dry_run: bool, emit: str | None) -> None:
    """Delete the mint: function, the keys of the roles it serves, providers, pool, service account.

    Keys in Cloud KMS are disabled, which can be undone. The keys of other roles are kept and listed. After an
    interrupted run, the mint's settings may be gone: then all remaining keys are kept and listed.

    The pool's and the providers' names stay reserved for 30 days; `deploy` brings them back.
    """
    with google(project, region) as cloud:
        with progress(f"reading the project {project}"):
            state = read_state(cloud)
            if "cloudfunctions.googleapis.com" in state.apis:
                refuse_elsewhere(state, cloud.functions.regions(FUNCTION))
            stored = stored_keys(cloud, state)
            kms = stored_kms_keys(cloud, state)
        steps = plan(state, stored, kms, keep_keys=keep_keys)
        keys = [] if keep_keys else own_keys(state, stored)
        kept = "" if keep_keys else kept_keys(state, stored, kms)
        if kept:
            note(kept)
        with_keys = f", with the keys of {', '.join(keys)}" if keys else ""
        disabled = [] if keep_keys else own_kms_versions(state, kms)
        if disabled:
            with_keys += f", and disable the Cloud KMS keys of {', '.join(dict(disabled))}"
        question = f"Delete the mint of {project} for everyone who uses it{with_keys}?"
        already = "The project has no mint and no leftovers of a mint."
        done = carry_out(steps, cloud, dry_run=dry_run, emit=emit, otherwise=already, question=question, yes=yes)
        if done and steps:
            note("The mint is deleted. The APIs stay enabled, because others may use them.")
            _report_kms([name for _, name in disabled], keys_elsewhere(state))


def _report_kms(disabled: list[str], elsewhere: list[str]) -> None:
    """Print which key versions are left in Cloud KMS."""
    if disabled:
        destroy = f"gcloud kms keys versions destroy {disabled[0]}"
        note(f"Disabled in Cloud KMS: {', '.join(disabled)}\nTo destroy one: {destroy}")
    if elsewhere:
        note(f"Not changed, because they are not in the mint's own key ring: {', '.join(elsewhere)}")
