"""Revocation and readiness against the sandbox's GitHub."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fullsend.client import GitHubTokenError, MintClient, RetryPolicy
from fullsend.client.token_api import TokenApi
from fullsend.run_token.app import App
from fullsend.run_token.settings import read_settings
from fullsend_sandbox.faults import Fail
from fullsend_sandbox.github.tokens import TokenStyle

if TYPE_CHECKING:
    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World


class Time:
    """The client's time; each sleep moves GitHub's clock too."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.seconds = 0.0

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self.world.github.clock.offset += seconds

    def policy(self) -> RetryPolicy:
        return RetryPolicy(total_seconds=20, now=lambda: self.seconds, sleep=self.sleep, jitter=lambda: 1.0)


def new_token(world: World) -> str:
    app = world.apps["triage"]
    settings = read_settings(
        {
            "GITHUB_APP_ID": str(app.id),
            "GITHUB_APP_INSTALLATION_ID": str(world.installations["triage", "octo-org"].id),
            "GITHUB_APP_PRIVATE_KEY_PEM": app.private_key_pem.decode(),
            "GITHUB_API_URL": world.github.api_url,
        }
    )
    return App(settings).token([], {}).token


def api(world: World) -> TokenApi:
    return TokenApi(world.github.api_url, retry=Time(world).policy())


@pytest.mark.parametrize("style", list(TokenStyle))
def test_a_token_of_either_kind_is_revoked(world: World, style: TokenStyle) -> None:
    world.github.use_token_style(style)
    assert api(world).revoke(new_token(world))
    assert world.github.live_tokens() == []


def test_a_token_that_is_gone_counts_as_done(world: World) -> None:
    token = new_token(world)
    api(world).revoke(token)
    assert not api(world).revoke(token)


def test_a_fresh_token_that_github_does_not_know_yet_is_not_taken_for_gone(world: World) -> None:
    world.github.not_usable_for(2)
    assert api(world).revoke(new_token(world), fresh=True)
    assert world.github.live_tokens() == []


def test_a_passing_failure_of_github_is_asked_again(world: World) -> None:
    token = new_token(world)
    world.github.faults.add(Fail(502), times=2)
    assert api(world).revoke(token)


def test_a_token_that_may_live_on_is_an_error(world: World) -> None:
    token = new_token(world)
    world.github.faults.add(Fail(403))
    with pytest.raises(GitHubTokenError, match="403") as failed:
        api(world).revoke(token)
    assert failed.value.code == "github_revoke_failed"


def test_waiting_ends_when_github_takes_the_token(world: World) -> None:
    world.github.not_usable_for(3)
    token = new_token(world)
    api(world).wait_usable(token)
    assert world.github.traffic.matching(path_prefix="/installation/repositories")[-1].status == 200


def test_waiting_ends_in_an_error_when_github_never_takes_it(world: World) -> None:
    with pytest.raises(GitHubTokenError) as failed:
        api(world).wait_usable("ghs_nobody_knows")
    assert failed.value.code == "github_token_not_usable"


def test_a_client_revokes_at_the_jobs_own_github(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_API_URL", world.github.api_url)
    assert MintClient("https://mint.example.com").revoke(new_token(world))
    assert world.github.live_tokens() == []


def test_leaving_the_block_revokes_even_when_the_work_failed(world: World, hosted_mint: MintProcess) -> None:
    client = MintClient(
        hosted_mint.url,
        identity=lambda audience: world.issuer.token(world.job(), audience),
        github_api_url=world.github.api_url,
    )
    with pytest.raises(ZeroDivisionError), client:
        raise ZeroDivisionError(client.mint("triage", ["app"]))
    assert world.github.live_tokens() == []
