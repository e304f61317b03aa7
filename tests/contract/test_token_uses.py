"""MINTS_PER_TOKEN against both modes: a token that is spent, and what does not spend it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.exchange import send
from tests.contract.modes import MODES, StartMode
from tests.contract.table import Sent

if TYPE_CHECKING:
    from fullsend_sandbox.world import World


@pytest.mark.parametrize("mode", MODES)
def test_a_token_mints_as_often_as_the_operator_allows(mode: str, world: World, start_mode: StartMode) -> None:
    mint = start_mode(mode, MINTS_PER_TOKEN="2", REPO_SCOPE="caller")
    token = world.issuer.token(world.job())
    denied = send(mint.url, Sent(token, {"role": "coder", "repos": ["docs"]}))
    failed = send(mint.url, Sent(token, {"role": "coder", "repos": [".fullsend", "app"], "permissions": {}}))
    assert (denied.json["code"], failed.json["code"]) == ("scope_not_allowed", "invalid_permissions")
    assert [send(mint.url, Sent(token)).status for _ in range(2)] == [200, 200]
    world.sts.traffic.clear()
    world.github.traffic.clear()
    spent = send(mint.url, Sent(token))
    assert (spent.status, spent.json["code"]) == (403, "token_spent")
    assert (world.outside_calls()["sts"], world.outside_calls()["github"]) == (0, 0)
    assert send(mint.url, Sent(world.issuer.token(world.job()))).status == 200
    assert send(mint.url, Sent(token, b"", "GET", "/v1/status")).status == 200


@pytest.mark.parametrize("mode", MODES)
def test_a_mint_that_github_refuses_does_not_spend_the_token(
    mode: str, world: World, start_mode: StartMode
) -> None:
    mint = start_mode(mode, MINTS_PER_TOKEN="1")
    token = world.issuer.token(world.job())
    refused = send(mint.url, Sent(token, {"role": "coder", "repos": ["nowhere"]}))
    assert refused.json["code"] == "repos_not_accessible"
    assert [send(mint.url, Sent(token)).status for _ in range(2)] == [200, 403]
