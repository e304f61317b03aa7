"""An App's key was replaced while an old one still serves: the first mint afterwards succeeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox.github import GitHubService
from fullsend_sandbox.keys import new_key
from fullsend_sandbox.secret_manager import SecretManager
from mintcore.errors import InvalidRoleKey
from mintcore.github.client import AppClient
from mintcore.github.installations import GitHubTokens
from mintcore.keys.app_jwt import AppJwts
from mintcore.outbound.channel import Outbound
from mintcore.policy.decision import Target
from mintcore.policy.roles import App
from mintcore.request import Scope
from tests.mint_doubles import FakeClock, ManualHelpers, new_attempt
from tests.unit.github.octo_world import ORG, PERMISSIONS, TRIAGE
from tests.unit.keys.key_values import store

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from werkzeug import Response

SECRET = f"fullsend-{TRIAGE}-app-pem"


class After:
    """Answer normally after the helpers have done their work."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work

    def apply(self, answer: Callable[[], Response], _stopping: threading.Event) -> Response:
        self._work()
        return answer()


class Rotated:
    """GitHub and Secret Manager, and a mint whose helpers work when they are told to."""

    def __init__(self, clock: FakeClock, github: GitHubService, secrets: SecretManager) -> None:
        self.clock, self.helpers, self.github, self.secrets = clock, ManualHelpers(), github, secrets
        github.create_org("octo-org")
        self.installed = github.create_app("fullsend-triage", dict(PERMISSIONS))
        github.install_app(self.installed, "octo-org")
        secrets.add_version(SECRET, self.installed.private_key_pem)
        self.app = App(str(self.installed.id), TRIAGE)
        jwts = AppJwts(store(self.clock, secrets.url, helpers=self.helpers), self.clock, self.helpers)
        channel = Outbound(self.clock, connections=2).channel("github", github.api_url)
        self.tokens = GitHubTokens(AppClient(channel, jwts, self.clock), self.clock)

    def rotate(self) -> None:
        self.secrets.add_version(SECRET, self.github.rotate_key(self.installed))

    def mint(self) -> dict[str, int]:
        """Return the calls of one mint."""
        context = new_attempt(self.clock)
        self.tokens.issue(self.app, Target(ORG), Scope(PERMISSIONS, ()), context)
        return context.upstream_calls


@pytest.fixture(scope="module")
def keys() -> list[RSAPrivateKey]:
    return [new_key(), new_key()]


@pytest.fixture
def rotated(keys: list[RSAPrivateKey]) -> Iterator[Rotated]:
    left, clock = list(keys), FakeClock()
    with (
        GitHubService(clock=clock.now, make_key=lambda: left.pop(0)) as github,
        SecretManager("123", "octo-project") as secrets,
    ):
        yield Rotated(clock, github, secrets)


def test_a_jwt_that_a_helper_renewed_with_the_old_key_does_not_fail_the_mint(rotated: Rotated) -> None:
    rotated.mint()
    rotated.rotate()
    rotated.clock.advance(301)  # the JWT and the key serve while they are renewed
    rotated.github.faults.add(After(rotated.helpers.run), times=1)
    assert rotated.mint()["github"] == 3
    assert rotated.mint() == {"github": 1}


def test_a_key_that_a_helper_is_about_to_read_is_read_at_once_when_github_refuses_it(rotated: Rotated) -> None:
    rotated.mint()
    rotated.rotate()
    rotated.clock.advance(500)  # the JWT has ended; the key still serves
    assert rotated.mint() == {"github": 2, "secretmanager": 1}
    assert len(rotated.helpers.waiting) == 1
    rotated.helpers.run()
    assert rotated.mint() == {"github": 1}


def test_a_key_that_github_refuses_for_good_is_tried_twice(rotated: Rotated) -> None:
    rotated.mint()
    rotated.github.rotate_key(rotated.installed)
    with pytest.raises(InvalidRoleKey):
        rotated.mint()
    assert rotated.github.traffic.count(path_prefix="/app/installations/") == 3
