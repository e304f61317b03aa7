"""GitHub with a caller's organization, a target and a workflow host, and the mint's look-ups of them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

from fullsend_sandbox.github import GitHubService
from mintcore.errors import MintError
from mintcore.github.client import AppClient
from mintcore.github.current_ids import CurrentIds
from mintcore.github.grant_variables import GrantVariables
from mintcore.github.host_commits import HostCommits
from mintcore.github.installations import GitHubTokens
from mintcore.github.lookup_limits import LookupLimits
from mintcore.keys.app_jwt import AppJwts
from mintcore.keys.rsa import parse_signer
from mintcore.outbound.channel import Outbound
from mintcore.policy.caller import Caller
from mintcore.policy.decision import CommitQuestion, GrantQuestion
from mintcore.policy.names import Org, Role, parse_repo
from mintcore.policy.roles import App
from tests.mint_doubles import FakeClock, OneSigner, new_attempt

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from mintcore.request import RequestContext

CODER = Role("coder")
VARIABLE = "FULLSEND_FOREIGN_CODER_REPOS"
PERMISSIONS = MappingProxyType(
    {"contents": "write", "actions_variables": "read", "organization_actions_variables": "read"}
)
HOST = "host-org/workflows"
MAIN = "refs/heads/main"


class LookupWorld:
    """`caller-org` asks, `target-org` grants, `host-org` holds workflows; the App is on the first two."""

    def __init__(self, key: RSAPrivateKey, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.github = GitHubService(clock=self.clock.now, make_key=lambda: key)
        for org in ("caller-org", "target-org", "host-org", "forkers"):
            self.github.create_org(org)
        for repo in ("caller-org/tool", "target-org/library", "target-org/private"):
            self.github.create_repo(repo)
        self.github.create_repo(HOST, private=False)
        self.installed = self.github.create_app("fullsend-coder", dict(PERMISSIONS))
        self.on_caller = self.github.install_app(self.installed, "caller-org")
        self.on_target = self.github.install_app(self.installed, "target-org")
        self.app = App(str(self.installed.id), CODER)
        self.signer = OneSigner(parse_signer(self.installed.private_key_pem, CODER))

    def start(self) -> None:
        """Begin with what the mint has not looked up yet."""
        channel = Outbound(self.clock, connections=16).channel("github", self.github.api_url)
        self.client = AppClient(channel, AppJwts(self.signer, self.clock), self.clock)
        self.tokens = GitHubTokens(self.client, self.clock)
        limits = LookupLimits(self.clock)
        self.grants = GrantVariables(channel, self.tokens, self.clock, limits)
        self.commits = HostCommits(channel, self.tokens, self.clock, limits)
        self.ids = CurrentIds(self.tokens, self.clock, limits)

    def put(self, target: str, value: str) -> None:
        self.github.actions.put_variable(target, VARIABLE, value)

    def variable(self, target: str, context: RequestContext | None = None, *, caller: str = "caller-org") -> str:
        where: Any = parse_repo(target) if "/" in target else Org(target)
        question = GrantQuestion(where, VARIABLE)
        return self.grants.variable(self.app, question, _caller(caller), context or new_attempt(self.clock))

    def variable_fails(self, target: str, *, caller: str = "caller-org") -> None:
        with pytest.raises(MintError):
            self.variable(target, caller=caller)

    def contains(self, commit: str, *refs: str, caller: str = "caller-org") -> bool:
        question = CommitQuestion(parse_repo(HOST), commit, refs or (MAIN,))
        return self.commits.contains(self.app, question, _caller(caller), new_attempt(self.clock))

    def made_tokens(self) -> list[tuple[str, dict[str, str], frozenset[int] | None]]:
        """Return the account, permissions and repositories of each token that was made."""
        return [
            (each.installation.account.login, dict(each.permissions), each.repository_ids)
            for each in self.github.live_tokens()
        ]

    def calls(self) -> int:
        return self.github.traffic.count()


def _caller(name: str) -> Caller:
    """Return a caller in the repository ``name``, or in ``tool`` of an organization."""
    return Caller(parse_repo(name if "/" in name else f"{name}/tool"))
