"""Find the operator's GitHub token: in `GH_TOKEN`, in `GITHUB_TOKEN`, or from the command `gh` after its login.

It also checks to which API the token may be sent. GitHub decides what the token may do there.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fullsend.failure import BadInput
from fullsend.github.api import GitHubApi, job_api_url
from mintcore.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

VARIABLES = ("GH_TOKEN", "GITHUB_TOKEN")
GH_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Credentials:
    """A token, its source, and the API to use it with."""

    token: Secret
    source: str
    api_url: str

    def renewal(self, scopes: Iterable[str]) -> str:
        """Return how to get a token with these scopes; gh cannot change a token from the environment."""
        if self.source in VARIABLES:
            return (
                f"Set {self.source} to a token with the scopes {', '.join(scopes)}, "
                f"or unset it and run: gh auth login --scopes {','.join(scopes)}"
            )
        return f"gh auth refresh --hostname {_gh_host(self.api_url)} --scopes {','.join(scopes)}"


def find_credentials(environment: Mapping[str, str]) -> Credentials:
    """Return the operator's token.

    Raises BadInput for an API address that no token may be sent to, and if no token is set.
    """
    api_url = GitHubApi(job_api_url(environment)).api_url
    for name in VARIABLES:
        if environment.get(name, "").strip():
            return Credentials(_one_word(environment[name], name), name, api_url)
    return Credentials(_one_word(_from_gh(environment, _gh_host(api_url)), "gh"), "gh auth token", api_url)


def _one_word(text: str, source: str) -> Secret:
    """Return the token. Attack: a line break in the token would add a header to every request."""
    token = text.strip()
    if not token.isascii() or not token.isprintable() or " " in token:
        raise BadInput(f"{source} does not hold a GitHub token: a token is one word.", "Give the bare token.")
    return Secret(token)


def _gh_host(api_url: str) -> str:
    host = urlsplit(api_url).hostname or ""
    return "github.com" if host == "api.github.com" else host


def _from_gh(environment: Mapping[str, str], host: str) -> str:
    gh = shutil.which("gh", path=environment.get("PATH"))
    if gh is None:
        raise _no_token("GH_TOKEN and GITHUB_TOKEN are not set, and the gh command is not installed.", host)
    try:
        done = subprocess.run(  # noqa: S603 - gh from the operator's own PATH
            [gh, "auth", "token", "--hostname", host],
            capture_output=True,
            text=True,
            timeout=GH_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
            env=dict(environment),
        )
    except (OSError, subprocess.TimeoutExpired):
        raise _no_token("GH_TOKEN and GITHUB_TOKEN are not set, and gh failed.", host) from None
    token = done.stdout.strip()
    if done.returncode or not token:
        raise _no_token(f"GH_TOKEN and GITHUB_TOKEN are not set, and gh is not logged in to {host}.", host)
    return token


def _no_token(message: str, host: str) -> BadInput:
    return BadInput(
        f"The command needs a GitHub token: {message}",
        f"gh auth login --hostname {host} --scopes admin:org,repo\n"
        "or set GH_TOKEN to a personal access token; for one repository the scope repo is enough.",
    )
