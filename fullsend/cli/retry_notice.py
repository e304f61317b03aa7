"""How patient a command is with mints and GitHub, and that it says so while it waits."""

from __future__ import annotations

from fullsend.cli.output import note, without_secrets
from fullsend.client.retry import RetryPolicy


def patience(seconds: float) -> RetryPolicy:
    """Return a policy that goes on for so long and says on stderr why it waits.

    What is quoted may have come from anywhere: secrets are masked, and as the line never begins with it, it is no
    command to a runner.
    """
    return RetryPolicy(total_seconds=seconds, tell=lambda why: note(without_secrets(why)))
