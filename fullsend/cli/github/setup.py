"""`fullsend github setup`: check first, then write variables and secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fullsend.cli.github.install_options import (
    errors_explained,
    given_values,
    open_session,
    target_argument,
    value_options,
)
from fullsend.cli.output import CommandError, dry_run_option, note, progress
from fullsend.cli.plan_output import run_plan
from fullsend.github.slots import Kind
from fullsend.operate.model.install import MINT_URL
from fullsend.operate.model.install_review import leftovers
from fullsend.operate.plan.install_changes import changes, plan_setup
from fullsend.operate.plan.install_preflight import SECONDS, Problem, mint_problems, scope_problems, write_problems
from fullsend.operate.plan.steps.slot_steps import Action

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fullsend.github.slots import Slot, Stored
    from fullsend.operate.model.install import Install
    from fullsend.operate.plan.install_session import InstallSession
    from fullsend.operate.plan.steps.slot_steps import ChangeSlot


@click.command()
@target_argument
@value_options
@click.option("--rewrite-secrets", is_flag=True, help="Write the given secrets again although they exist.")
@dry_run_option
def setup(*, install: Install, rewrite_secrets: bool, dry_run: bool, **options: Any) -> None:
    """Write the variables and secrets of ORG or OWNER/REPO.

    It first checks the mint, the values and the token, and changes nothing if a check fails. You can run it again:
    values that are correct or not given stay. An existing secret stays too, because GitHub does not show its
    value; --rewrite-secrets writes it again.
    """
    given = given_values(install, **options)
    with errors_explained():
        session = open_session(install)
        _refuse(_first_problems(session, given))
        with progress(f"reading {install.target}"):
            observed = session.read()
        steps = plan_setup(install, given, observed, rewrite_secrets=rewrite_secrets)
        _refuse(_last_problems(session, given, steps, dry_run=dry_run))
        already = f"Nothing to do: {install.target} is set up already."
        if run_plan(changes(steps), session.stores, dry_run=dry_run, otherwise=already) and changes(steps):
            click.echo(f"{install.target} is set up.")
        _print_notes(install, given, steps, observed)
        if leftovers(observed):
            note(f"An older install left credentials behind: fullsend github status {install.target}")


def _first_problems(session: InstallSession, given: dict[str, str]) -> list[Problem]:
    with progress("checking the token"):
        problems = scope_problems(session.install, session.look(), session.credentials)
    return [*problems, *_ask([given[MINT_URL]] if MINT_URL in given else [])]


def _last_problems(
    session: InstallSession, given: dict[str, str], steps: Sequence[ChangeSlot], *, dry_run: bool
) -> list[Problem]:
    """Run the checks that need the plan: an existing mint URL, and write access if anything will be written."""
    kept = {step.value for step in steps if step.slot.name == MINT_URL and step.value and MINT_URL not in given}
    problems = _ask(sorted(kept))
    if changes(steps) and not dry_run:
        with progress("checking whether the token may write"):
            problems += write_problems(session)
    return problems


def _ask(mint_urls: Iterable[str]) -> list[Problem]:
    problems: list[Problem] = []
    for url in mint_urls:
        with progress(f"checking the health of the mint at {url}, for up to {SECONDS} s"):
            problems += mint_problems(url)
    return problems


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        remedies = "\n".join(problem.remedy for problem in problems)
        sentences = "\n".join(problem.message for problem in problems)
        raise CommandError(f"{sentences}\nNothing was changed.", remedies)


def _print_notes(
    install: Install, given: Mapping[str, str], steps: Sequence[ChangeSlot], observed: Mapping[Slot, Stored]
) -> None:
    """Name the given secrets that were not written, and say that roles need client IDs."""
    kept = [s.slot.name for s in steps if s.slot.kind is Kind.SECRET and s.action is Action.KEEP]
    unwritten = [name for name in kept if name in given]
    if unwritten:
        note(f"Not written, because a secret cannot be compared: {', '.join(unwritten)}. "
             "Add --rewrite-secrets to write them again.")  # fmt: skip
    names = [step.slot.name for step in steps] + [slot.name for slot in observed if install.manages(slot)]
    if not install.per_repo and not any(install.is_client_id(name) for name in names):
        note(f"No role has a client ID in {install.home} yet: add --client-id ROLE=ID for each role's App.")
