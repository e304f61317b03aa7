"""Options and error handling that the GitHub commands share."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from fullsend.cli.output import BadUsage, CommandError
from fullsend.failure import BadInput, Failure
from fullsend.github.credentials import find_credentials
from fullsend.operate.model.install import MINT_URL, PROJECT, PROVIDER, REGION, Install
from fullsend.operate.model.install_values import checked, client_ids
from fullsend.operate.model.names import target
from fullsend.operate.plan.install_session import InstallSession

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class _Target(click.ParamType[Install]):
    """`ORG` or `OWNER/REPO`."""

    name = "target"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Install:
        """Read the target."""
        try:
            return Install(target(str(value)))
        except BadInput as error:
            self.fail(f"{error.message} {error.remedy}".strip(), param, ctx)


def target_argument(command: Any) -> Any:
    """Add the argument that names the install."""
    return click.argument("install", metavar="ORG|OWNER/REPO", type=_Target())(command)


def value_options(command: Any) -> Any:
    """Add the options that carry an install's values."""
    for option in (
        click.option(
            "--client-id",
            "clients",
            multiple=True,
            metavar="ROLE=ID",
            help="Client ID of a role's GitHub App; for an organization. May be repeated.",
        ),
        click.option("--inference-region", metavar="REGION", help="Region for inference. [default: global]"),
        click.option(
            "--inference-wif-provider",
            metavar="NAME",
            help="Resource name of the WIF provider, projects/NUMBER/locations/global/…",
        ),
        click.option("--inference-project", metavar="PROJECT", help="Google Cloud project id for inference."),
        click.option("--mint-url", metavar="URL", help="The mint, as `fullsend mint deploy` printed it."),
    ):
        command = option(command)
    return command


def given_values(
    install: Install,
    *,
    mint_url: str | None,
    inference_project: str | None,
    inference_wif_provider: str | None,
    inference_region: str | None,
    clients: Sequence[str],
) -> dict[str, str]:
    """Return the given values by managed name, after a check of their form. Raises click.UsageError."""
    named = {
        MINT_URL: mint_url,
        PROJECT: inference_project,
        PROVIDER: inference_wif_provider,
        REGION: inference_region,
    }
    if clients and install.per_repo:
        raise click.UsageError(
            f"--client-id is for an organization: {install.target} has no client IDs. "
            f"Leave it out, or set up {install.target.owner}."  # type: ignore[union-attr]
        )
    with bad_input_is_usage():
        found = {name: checked(name, value) for name, value in named.items() if value is not None}
        return found | client_ids(clients)


@contextmanager
def bad_input_is_usage() -> Iterator[None]:
    """Turn BadInput into a usage error with exit status 2."""
    try:
        yield
    except BadInput as error:
        raise BadUsage(error.message, error.remedy, code=error.code) from error


@contextmanager
def errors_explained() -> Iterator[None]:
    """Turn failures into command errors: exit status 2 for bad input, 1 for the rest."""
    with bad_input_is_usage():
        try:
            yield
        except BadInput:
            raise
        except Failure as error:
            raise CommandError(error.message, error.remedy) from error


def open_session(install: Install) -> InstallSession:
    """Return a session for one install, with the operator's token. Raises Failure."""
    return InstallSession(install, find_credentials(os.environ))
