"""Make the retry policy of a command, which reports each wait on stderr."""

from __future__ import annotations

from fullsend.cli.output import note, without_secrets
from fullsend.net.retry import RetryPolicy


def retry_policy(seconds: float) -> RetryPolicy:
    """Return a policy with this total time that reports on stderr why it waits, and which mint it skipped.

    The reason may quote a service, so secrets in it are masked. Attack: a line from a service could be a command to
    a runner, so each line begins with our own text.
    """

    def tell(why: str) -> None:
        note(without_secrets(why))

    return RetryPolicy(total_seconds=seconds, on_wait=tell, on_skip=tell)
