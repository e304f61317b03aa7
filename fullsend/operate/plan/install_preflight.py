"""Check before `setup` changes anything: a mint answers at the URL, and the token may write.

It returns all problems instead of raising the first, so an operator can fix them together. `install_values.py` has
checked the form of the values before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fullsend.net.answer import json_object, one_line
from fullsend.net.failures import NoAnswerError
from fullsend.net.transport import Transport
from fullsend.operate.plan.install_session import in_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fullsend.github.credentials import Credentials
    from fullsend.operate.model.install import Install
    from fullsend.operate.plan.install_session import InstallSession

SECONDS = 20
MAX_BODY = 65536
OK = 200
UNAVAILABLE = 503


class Problem(NamedTuple):
    """What is wrong, and how to fix it."""

    message: str
    remedy: str


def mint_problems(url: str) -> list[Problem]:
    """Ask the mint for `/health`."""
    where = f"{url}/health"
    try:
        answer = Transport(max_body=MAX_BODY).exchange("GET", where, seconds=SECONDS)
    except NoAnswerError as error:
        message = f"no mint answers at {url} ({error})."
        return [Problem(message, "Check the URL. `fullsend mint status --project PROJECT` shows the mint's.")]
    status = answer.status
    health = _object(answer.body)
    if status == OK and health.get("status") == "ok":
        return []
    if status == UNAVAILABLE and health.get("reason"):
        message = f"the mint at {url} says that it is not healthy: {one_line(str(health['reason']))}"
        return [Problem(message, "`fullsend mint doctor --project PROJECT` says what to change.")]
    message = f"the server at {where} is not a mint (status {status})."
    return [Problem(message, "Give the mint's base URL, as `fullsend mint deploy` printed it, without a path.")]


def scope_problems(install: Install, scopes: Iterable[str] | None, credentials: Credentials) -> list[Problem]:
    """Check that a classic token has the scopes that the install needs; other tokens have no scopes."""
    if scopes is None:
        return []
    wanted = ("repo",) if install.per_repo else ("admin:org", "repo")
    missing = [scope for scope in wanted if scope not in scopes]
    if not missing:
        return []
    message = f"the token from {credentials.source} lacks the scope {' and '.join(missing)}."
    return [Problem(message, credentials.renewal(wanted))]


def write_problems(session: InstallSession) -> list[Problem]:
    """Find out whether the token may write everywhere, without writing. Raises GitHubError."""
    refused = session.refused_writes()
    if not refused:
        return []
    message = f"the token from {session.credentials.source} may read, but not write: {in_words(refused)}."
    return [
        Problem(
            message,
            "Its owner must administer them; a fine-grained token needs Variables and Secrets: read and write on "
            "the repository, and Variables: read and write on the organization where there is one.",
        )
    ]


def _object(body: bytes) -> dict[str, object]:
    try:
        return json_object(body)
    except ValueError:
        return {}
