"""An owner of organizations in the sandbox who runs ``fullsend github``."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from click.testing import CliRunner

from fullsend.cli.root import cli

if TYPE_CHECKING:
    from fullsend_sandbox.world import World


class Done(NamedTuple):
    status: int
    out: str
    err: str


class GitHubOwner:
    """An owner of ``orgs`` at a command line, with a classic token that no output may show."""

    def __init__(self, world: World, *orgs: str) -> None:
        self.github = world.github
        self.github.create_user("mona")
        for org in orgs:
            self.github.people.make_owner("mona", org)
        self.token = self.github.people.classic_token("mona", ("admin:org", "repo"))
        self.environment: dict[str, str | None] = {
            "GITHUB_API_URL": self.github.api_url,
            "GH_TOKEN": self.token,
            "GITHUB_TOKEN": None,
        }

    def run(self, *arguments: str, stdin: str | None = None) -> Done:
        done = CliRunner().invoke(cli, ["github", *arguments], env=self.environment, input=stdin)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        assert self.token not in done.stdout + done.stderr
        return Done(done.exit_code, done.stdout, done.stderr)
