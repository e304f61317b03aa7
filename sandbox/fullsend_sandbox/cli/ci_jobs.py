"""Print for `fullsend sandbox serve --issuer KIND` the lines to paste that mint as another CI system's job."""

from __future__ import annotations

import shlex
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from fullsend_sandbox.ci.systems import KINDS
from fullsend_sandbox.cli.common import command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fullsend_sandbox.ci.programs import CIMachine
    from fullsend_sandbox.world import World

OTHERS = ("GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "CIRCLECI")
"""The variables of other systems, which would make the terminal a job of that system."""
DENIED = {
    "gitlab": ("ref_protected=false", "project_id=4712"),
    "buildkite": ("pipeline_id=0184990a-4782-42b5-afc1-16715b10b1d1", "build_branch=dev"),
    "circleci": ("oidc.circleci.com/vcs-origin=github.com/fork/app", "oidc.circleci.com/vcs-ref=refs/heads/dev"),
    "kubernetes": ("kubernetes.io/namespace=default", "kubernetes.io/serviceaccount/name=default"),
}
"""A claim and a value for jobs that the mint denies."""


def _once_each(_: click.Context, __: click.Parameter, kinds: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(kinds))


issuer_option: Callable[[Any], Any] = click.option(
    "--issuer",
    "issuers",
    multiple=True,
    type=click.Choice(sorted(KINDS)),
    callback=_once_each,
    help="Also serve jobs of this CI system; may be repeated. Its issuer gets the next port.",
)


@contextmanager
def machines_folder() -> Iterator[Path]:
    """Yield a folder for the programs and files of the jobs' machines."""
    with TemporaryDirectory(prefix="fullsend-jobs-") as folder:
        yield Path(folder)


def print_machine(machine: CIMachine, world: World, mint_url: str = "") -> None:
    """Print how to mint as the default job of an issuer, and how as one that the mint denies.

    Without a `mint_url`, the line reads the shell's MINT_URL.
    """
    issuer = machine.issuer
    given = dict(machine.environment()) | {"GITHUB_API_URL": world.github.api_url}
    path = given.pop("PATH", "")
    unset = " ".join(f"-u {name}" for name in OTHERS if name not in given)
    words = [f"{name}={shlex.quote(value)}" for name, value in given.items()]
    words.append(f"FULLSEND_MINT_URL={shlex.quote(mint_url)}" if mint_url else 'FULLSEND_MINT_URL="$MINT_URL"')
    if path:
        words.append(f'PATH={shlex.quote(path)}:"$PATH"')
    if issuer.kind == "gitlab":
        words.append(f'FULLSEND_MINT_ID_TOKEN="$(curl -sS {machine.token_url})"')
    lines = " \\\n  ".join([f"env {unset}", *words, f"{command()} mint exec --role triage -- \\"])
    denied = "\n".join(_with_claim(machine, claim) for claim in DENIED[issuer.kind])
    click.echo(f"""\
{issuer.kind:<15} {issuer.issuer}

Act as its job, which CALLERS lets act for octo-org/app:

{lines}
  sh -c 'curl -sS -H "Authorization: Bearer $GH_TOKEN" $GITHUB_API_URL/installation/repositories'

The mint denies the job with one of these before `{command()}`:

{denied}
""")


def _with_claim(machine: CIMachine, claim: str) -> str:
    """Return the shell words that change a claim of the job's token."""
    quoted = shlex.quote(claim)
    if machine.issuer.kind == "gitlab":
        return f'FULLSEND_MINT_ID_TOKEN="$(curl -sSG {machine.token_url} --data-urlencode {quoted})"'
    if machine.issuer.kind == "kubernetes":
        file = machine.folder / "denied-token"
        fetch = f"curl -sSG {machine.token_url} --data-urlencode {quoted} -o {file}"
        return f'FULLSEND_ID_TOKEN_FILE="$({fetch}; echo {file})"'
    return f"SANDBOX_CLAIMS={quoted}"
