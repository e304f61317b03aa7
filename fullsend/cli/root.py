"""The top of the command line and its groups.

A new group is one line in `GROUPS`.
"""

from __future__ import annotations

import click

from fullsend.cli.lazy import Lazy, LazyGroup
from fullsend.cli.process import TopLevelCommand
from mintcore.version import VERSION

GROUPS = {
    "mint": Lazy("fullsend.cli.mint:mint", "Ask a mint for tokens; run a mint on Google Cloud."),
    "github": Lazy("fullsend.cli.github:github", "Set up an organization or a repository on GitHub."),
    "inference": Lazy(
        "fullsend.cli.inference:inference",
        "Let workflows use models on Google Cloud without keys.",
        extra="operate",
    ),
    "run-token": Lazy(
        "fullsend.cli.run_token_commands:run_token", "Make tokens from a GitHub App's key, without a mint."
    ),
    "audit": Lazy("fullsend.cli.audit:audit", "Search a mint's audit log: which job got which token."),
    "sandbox": Lazy(
        "fullsend_sandbox.cli.commands:sandbox",
        "Try a mint with local GitHub, Google and OIDC services.",
        install="pip install ./sandbox, in a clone of the repository",
    ),
}


class _Root(TopLevelCommand, LazyGroup):
    """The group that a process starts with."""


@click.group(
    cls=_Root,
    table=GROUPS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(VERSION, prog_name="fullsend", message="%(prog)s %(version)s")
def cli() -> None:
    """Short-lived, scoped GitHub tokens for CI jobs."""
