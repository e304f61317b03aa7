"""The command lines of the runbook."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    Run = Callable[..., subprocess.CompletedProcess[str]]


SCRIPT = "scripts/ops/codex_mint_tokens_per_run.py"
PERMISSIONS = {
    "metadata": "read",
    "contents": "read",
    "actions": "write",
    "administration": "write",
    "organization_self_hosted_runners": "write",
}
SCOPED = (
    "--owner octo-org --repo secret-repo --repositories secret-repo --permissions contents:read actions:write mint"
)
