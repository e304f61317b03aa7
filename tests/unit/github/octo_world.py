"""GitHub with one App on one organization, and the mint that asks it for tokens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fullsend_sandbox.github import GitHubService
from fullsend_sandbox.keys import new_key
from mintcore.github.client import AppClient
from mintcore.github.installations import GitHubTokens
from mintcore.keys.app_jwt import AppJwts
from mintcore.keys.rsa import RsaSigner, parse_signer
from mintcore.outbound.channel import Outbound
from mintcore.policy.decision import EnrolledIds, Target
from mintcore.policy.names import Org, RepoName, Role
from mintcore.policy.roles import BUILT_IN, App
from mintcore.request import InstallationToken, Scope
from tests.mint_doubles import FakeClock, OneSigner, new_attempt
from tests.unit.outbound.loopback_peer import Peer, answer

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from mintcore.ports import Helpers
    from mintcore.request import RequestContext

TRIAGE = Role("triage")
ORG = Org("octo-org")
PERMISSIONS = BUILT_IN[TRIAGE]


class Octo:
    """GitHub with one App on one organization, and the mint's side of it."""

    def __init__(self, clock: FakeClock, key: RSAPrivateKey) -> None:
        self.clock = clock
        self.github = GitHubService(clock=clock.now, make_key=lambda: key)
        self.owner_id = str(self.github.create_org("octo-org").id)
        for name in ("app", "docs", "hidden"):
            self.github.create_repo(f"octo-org/{name}")
        self.installed = self.github.create_app("fullsend-triage", dict(PERMISSIONS))
        self.app = App(str(self.installed.id), TRIAGE)
        self.store = OneSigner(parse_signer(self.installed.private_key_pem, TRIAGE))

    def install(self, owner: str = "octo-org", repositories: Any = "all", permissions: Any = None) -> Any:
        return self.github.install_app(self.installed, owner, repositories, permissions)

    def rotate_key(self) -> None:
        """Replace the App's key, at GitHub and in the mint's key store."""
        fresh = new_key()
        self.installed.public_keys = [fresh.public_key()]
        self.store.one = RsaSigner(fresh)

    def issuer(self, helpers: Helpers | None = None) -> GitHubTokens:
        channel = Outbound(self.clock, connections=2).channel("github", self.github.api_url)
        client = AppClient(channel, AppJwts(self.store, self.clock), self.clock)
        return GitHubTokens(client, self.clock, helpers)

    def context(self) -> RequestContext:
        return new_attempt(self.clock)

    def issue(
        self,
        *repos: str,
        tokens: GitHubTokens | None = None,
        org: Org = ORG,
        target: Target | None = None,
        ids: EnrolledIds | None = None,
    ) -> InstallationToken:
        scope = Scope(PERMISSIONS, tuple(RepoName(name) for name in repos), ids)
        return (tokens or self.issuer()).issue(self.app, target or Target(org), scope, self.context())


def scripted(
    key: RSAPrivateKey, *answers: bytes | None, repos: tuple[str, ...] = (), seen: list[bytes] | None = None
) -> InstallationToken:
    clock = FakeClock()
    with Peer(lambda number: [answers[min(number, len(answers) - 1)]]) as peer:
        peer.requests = peer.requests if seen is None else seen
        channel = Outbound(clock, connections=2).channel("github", peer.url)
        tokens = GitHubTokens(AppClient(channel, AppJwts(OneSigner(RsaSigner(key)), clock), clock), clock)
        scope = Scope(PERMISSIONS, tuple(RepoName(name) for name in repos))
        return tokens.issue(App("1", TRIAGE), Target(ORG), scope, new_attempt(clock))


INSTALLATION: dict[str, Any] = {
    "id": 7, "account": {"login": "octo-org"}, "permissions": {"contents": "read"}, "suspended_at": None,
}  # fmt: skip
TOKEN: dict[str, Any] = {
    "token": "ghs_x", "expires_at": "2030-01-01T00:00:00Z", "permissions": {"contents": "read"},
}  # fmt: skip


def found(**changes: Any) -> bytes:
    return answer(200, json.dumps(INSTALLATION | changes).encode())


def repositories(*full_names: str) -> list[dict[str, str]]:
    return [{"full_name": name} for name in full_names]


NOT_FOUND = answer(404, b'{"message": "Not Found"}')
