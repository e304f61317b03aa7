"""The `fullsend mint` group and its commands.

A new command is one line in `COMMANDS` and one file that holds it.
"""

from __future__ import annotations

import click

from fullsend.cli.lazy import Lazy, LazyGroup

COMMANDS = {
    # for callers, in a CI job
    "token": Lazy("fullsend.cli.mint.token:token", "Exchange this job's OIDC token for an installation token."),
    "exec": Lazy("fullsend.cli.mint.exec:exec_", "Run a command with a token that is revoked when it ends."),
    "revoke": Lazy("fullsend.cli.mint.revoke:revoke", "Revoke a token before it expires by itself."),
    "status": Lazy(
        "fullsend.cli.mint.status:status", "Show what the mint allows this job; with --project, its health."
    ),
    # for operators, on Google Cloud
    "deploy": Lazy("fullsend.cli.mint.deploy:deploy", "Create a mint or bring it up to date.", "operate"),
    "delete": Lazy("fullsend.cli.mint.delete:delete", "Delete the mint.", "operate"),
    "add-role": Lazy("fullsend.cli.mint.roles:add_role", "Add a role with its App's key.", "operate"),
    "remove-role": Lazy("fullsend.cli.mint.roles:remove_role", "Remove a role and its key.", "operate"),
    "rotate-key": Lazy("fullsend.cli.mint.roles:rotate_key", "Replace a role's App key.", "operate"),
    "import-key": Lazy(
        "fullsend.cli.mint.import_key:import_key_", "Move a role's App key into Cloud KMS.", "operate"
    ),
    "enroll": Lazy("fullsend.cli.mint.enroll:enroll", "Let an organization or repository mint.", "operate"),
    "unenroll": Lazy("fullsend.cli.mint.enroll:unenroll", "Revoke minting access.", "operate"),
    "issuer": Lazy("fullsend.cli.mint.issuer:issuer", "Let jobs of other CI systems mint.", "operate"),
    "doctor": Lazy("fullsend.cli.mint.doctor:doctor", "Find what is wrong and how to fix it.", "operate"),
    "probe": Lazy("fullsend.cli.mint.probe:probe_", "Check that a mint grants and refuses as it should."),
    # why a mint decides as it does
    "explain": Lazy(
        "fullsend.cli.mint.explain:explain", "Show why a mint grants or refuses, rule by rule, offline."
    ),
}


@click.group(cls=LazyGroup, table=COMMANDS)
def mint() -> None:
    """Ask a mint for tokens; run a mint on Google Cloud."""
