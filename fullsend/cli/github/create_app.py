"""`fullsend github create-app`: one GitHub App for each role, with exactly the role's permissions."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import webbrowser
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fullsend.cli.github.install_options import errors_explained
from fullsend.cli.github.key_places import GoogleKeys, KeyPlace, file_place
from fullsend.cli.mint.location_options import PROJECT_VARIABLES
from fullsend.cli.mint.operator_options import google
from fullsend.cli.output import BadUsage, CommandError, dry_run_option, note
from fullsend.cli.pace import pace
from fullsend.failure import Failure
from fullsend.github.api import job_api_url
from fullsend.github.app_creation import AppCreation
from fullsend.github.app_manifest import CreatedApp, NewApp, web_url
from fullsend.github.apps import GitHubApps
from fullsend.operate.model import names
from fullsend.operate.model.app_permissions import served_with
from fullsend.operate.plan.pem_file import read_pem
from fullsend.private_file import write_private
from mintcore.policy.roles import check_custom_role, key_role, widest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mintcore.policy.names import Org, Role

_FOR_GRANTS = {"actions_variables": "read", "organization_actions_variables": "read"}
BROWSER_SECONDS = 900
INSTALL_ATTEMPTS = 300
"""At two seconds each, ten minutes."""


@click.command("create-app")
@click.option("--org", required=True, help="The organization that owns the Apps and installs them.")
@click.option("--role", "roles", required=True, multiple=True, help="A role; may be repeated.")
@click.option("--permission", "permissions", multiple=True, metavar="NAME:LEVEL", help="For a custom role.")
@click.option("--public", is_flag=True, help="Let other organizations install the App; for a public mint.")
@click.option("--grants", is_flag=True, help="Let the App read the variables that grant access (GRANTS=1).")
@click.option(
    "--to",
    "target",
    default="file:pems/{role}.pem",
    show_default=True,
    metavar="file:PATH|secret|kms",
    help="Where to store the key: a file, whose path may contain {role}; a secret; or Cloud KMS.",
)
@click.option(
    "--project",
    envvar=PROJECT_VARIABLES,
    show_envvar=True,
    help="The Google Cloud project of the mint, for --to secret and --to kms.",
)
@click.option("--region", default=names.REGION, show_default=True, help="The region where the mint runs.")
@click.option(
    "--no-browser", is_flag=True, help="Print GitHub's prefilled form and ask for the App ID and the key."
)
@dry_run_option
def create_app(
    *,
    org: str,
    roles: tuple[str, ...],
    permissions: tuple[str, ...],
    public: bool,
    grants: bool,
    target: str,
    project: str | None,
    region: str,
    no_browser: bool,
    dry_run: bool,
) -> None:
    """Create a GitHub App for each role, store its key, and wait until it is installed.

    Opens a page on this machine that sends GitHub the App's description: the role's permissions and no webhook. You
    confirm on GitHub. Then the command stores the key as --to says (a file has mode 0600) and opens the install
    page. With --to secret and --to kms, a mint that runs in the project then serves the role. If the App exists
    already, its permissions are compared with the role's. Prints ROLE_APP_IDS for the mint's settings.
    """
    with errors_explained(), ExitStack() as stack:
        owner = names.org(org)
        apps = [_new_app(owner, names.role(role), permissions, public=public, grants=grants) for role in roles]
        place = _place(stack, target, project, region, " ".join(permissions))
        if len({place.shown(app) for app in apps}) < len(apps):
            raise BadUsage(f"--to {target} names one file for several keys.", "Put {role} into the path.")
        github = GitHubApps(job_api_url(os.environ))
        # Without a desktop, webbrowser would start a text browser in this terminal.
        open_page = _open_nothing if no_browser else webbrowser.open
        creation = AppCreation(github, web_url(github.api_url), note, open_page, sleep=pace().sleep)
        if dry_run:
            _print_plan(apps, place, creation)
            return
        created: dict[str, str] = {}
        for app in apps:
            if app_id := _one(app, place, creation, no_browser=no_browser):
                created[app.role] = app_id
    click.echo(f"ROLE_APP_IDS={json.dumps(created, separators=(',', ':'))}")


def _open_nothing(_url: str) -> bool:
    return False


def _new_app(org: Org, role: Role, permissions: Sequence[str], *, public: bool, grants: bool) -> NewApp:
    if key_role(role) != role:
        raise click.UsageError(f"{role} does not have its own App: it uses the App of {key_role(role)}.")
    given = dict(pair.partition(":")[::2] for pair in permissions)
    try:
        wanted = dict(widest(check_custom_role(role, given)[1])) if given else served_with(role, os.environ)
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None
    if not wanted:
        raise BadUsage(f"{role} is not a built-in role.", "Name its permissions: --permission contents:read")
    return NewApp(str(org), str(role), wanted | (_FOR_GRANTS if grants else {}), public)


def _place(stack: ExitStack, target: str, project: str | None, region: str, custom: str) -> KeyPlace:
    if target not in {"secret", "kms"}:
        return file_place(target)
    if not project:
        raise BadUsage(f"--to {target} needs the mint's project.", "Give --project PROJECT.")
    cloud = stack.enter_context(google(project, region))
    return GoogleKeys(cloud, kms=target == "kms", custom=custom)


def _print_plan(apps: Sequence[NewApp], place: KeyPlace, creation: AppCreation) -> None:
    for app in apps:
        wanted = ", ".join(f"{name}:{level}" for name, level in app.permissions.items())
        click.echo(f"would create the App {app.name} on {app.org} with {wanted}")
        click.echo(f"would put its key into {place.shown(app)}")
        click.echo(f"would open {app.post_url(creation.web_url)}")
    note("Nothing was changed (--dry-run).")


def _one(app: NewApp, place: KeyPlace, creation: AppCreation, *, no_browser: bool) -> str:
    """Create one App, or compare the existing one; return its App ID, empty if unknown."""
    found = creation.existing(app)
    if found is not None:
        note(f"The App {app.name} exists already: App ID {found.app_id}, {found.page}")
        for difference in found.differences:
            note(f"  {difference}")
        if found.differences:
            note(f"Fix: change the permissions on {found.page} and accept them on {app.org}.")
        place.resume(app, found)
        return found.app_id
    creation.require_organization(app.org)
    place.prepare(app)
    created = _by_form(app, creation) if no_browser else creation.create(app, BROWSER_SECONDS)
    _keep(app, place, created)
    note(f"The App {created.slug} is created: App ID {created.app_id}. Its key is in {place.shown(app)}.")
    if not creation.wait_for_installation(created, app.org, INSTALL_ATTEMPTS):
        raise CommandError(
            f"The App {created.slug} is not installed on {app.org} yet.",
            f"Install it from {created.page} and run the command again.",
        )
    note(f"The App {created.slug} is installed on {app.org}.")
    place.finish(app, created)
    return created.app_id


def _keep(app: NewApp, place: KeyPlace, created: CreatedApp) -> None:
    """Store the key, which GitHub shows once. If that fails, write it to a private file and raise CommandError."""
    try:
        place.keep(app, created)
    except BaseException as error:
        file = _rescue(app, created)
        why = error.message if isinstance(error, (Failure, click.ClickException)) else "The command was stopped."
        what = f"The App {created.slug} (App ID {created.app_id}) exists, but its key was not stored. {why}"
        if file is None:
            raise CommandError(
                f"{what} It could not be written to a file either, so it is lost.",
                f"Generate a private key on {created.page} and run: "
                f"{place.recovery(app, created.app_id, 'FILE.pem')}",
            ) from error
        raise CommandError(
            f"{what} The key is in {file}, which only you can read.",
            f"{place.recovery(app, created.app_id, str(file))}\n"
            f"Then install the App from {created.page} and delete {file.parent}.",
        ) from error


def _rescue(app: NewApp, created: CreatedApp) -> Path | None:
    try:
        file = Path(tempfile.mkdtemp(prefix="fullsend-key-")) / f"{app.role}.pem"
        write_private(file, created.key.reveal())
    except (OSError, Failure):
        return None
    return file


def _by_form(app: NewApp, creation: AppCreation) -> CreatedApp:
    """Ask for the App ID and the key, which GitHub's pages show, and check them with GitHub."""
    note("Open this form on any machine, create the App, and generate a private key:")
    note(app.form_url(creation.web_url))
    if not sys.stdin.isatty():
        raise BadUsage(
            "The command asks for the App ID and the key, but standard input is not a terminal.",
            "Run the command in a terminal.",
        )
    app_id = names.app_id(click.prompt("App ID", err=True))
    key = read_pem(Path(click.prompt("Path of the private key file", err=True)).expanduser(), names.role(app.role))
    facts = creation.github.app(app_id, key)
    return CreatedApp(app_id, "", facts.slug, facts.page, key)
