"""How long a command retries its calls to mints and GitHub. It says on stderr what it waits for."""

from __future__ import annotations

from fullsend.cli.output import note, without_secrets
from fullsend.net.retry import RetryPolicy


def retry_policy(seconds: float) -> RetryPolicy:
    """Return a policy with this total time that says on stderr why it waits.

    The reason may quote a service, so secrets in it are masked; the line begins with our own text, so the quote
    cannot be a command to a runner.
    """
    return RetryPolicy(total_seconds=seconds, on_wait=lambda why: note(without_secrets(why)))
