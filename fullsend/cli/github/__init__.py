"""The `fullsend github` group and its commands.

A new command is one line in `COMMANDS` and one file that holds it.
"""

from __future__ import annotations

import click

from fullsend.cli.lazy import Lazy, LazyGroup

COMMANDS = {
    "create-app": Lazy(
        "fullsend.cli.github.create_app:create_app", "Create the GitHub App of a role and store its key.", "operate"
    ),
    "setup": Lazy("fullsend.cli.github.setup:setup", "Write the variables and secrets.", "operate"),
    "status": Lazy("fullsend.cli.github.status:status", "Show missing, different and leftover names.", "operate"),
    "set": Lazy("fullsend.cli.github.set:set_", "Change one managed variable or secret.", "operate"),
    "grant": Lazy("fullsend.cli.github.grant:grant", "Grant a role on a target to a caller.", "operate"),
    "grants": Lazy("fullsend.cli.github.grants:grants", "List the grants of a target.", "operate"),
    "revoke-grant": Lazy("fullsend.cli.github.revoke_grant:revoke_grant", "End a grant.", "operate"),
    "uninstall": Lazy("fullsend.cli.github.uninstall:uninstall", "Remove every managed name.", "operate"),
}


@click.group(cls=LazyGroup, table=COMMANDS)
def github() -> None:
    """Set up an organization or a repository on GitHub.

    The token comes from GH_TOKEN, GITHUB_TOKEN or `gh auth token`; GITHUB_API_URL names a GitHub Enterprise
    Server (https://HOST/api/v3).
    """
