"""GitHub as the command line calls it: what counts as its answer, and how long an answer may take."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from fullsend.failure import BadInput
from fullsend.github.api import GitHubApi, NotGitHubError
from fullsend.github.app_jwt import app_jwt
from fullsend.github.github_errors import GitHubError
from fullsend.github.name_resolver import NameResolver
from fullsend.net.retry import RetryPolicy
from mintcore.policy.names import Org
from mintcore.secret import Secret
from tests.unit.outbound.loopback_peer import Peer, answer

if TYPE_CHECKING:
    from pathlib import Path

ORG = answer(200, b'{"login": "Octo-Org", "id": 1}')
ONCE = RetryPolicy(max_attempts=1)


@pytest.mark.parametrize("status", [301, 401, 403, 404, 406])
def test_a_refusal_without_githubs_message_is_not_githubs(status: int) -> None:
    page = [answer(status, b"<html>Sign in</html>")]
    with Peer(lambda _: page) as peer, pytest.raises(NotGitHubError, match="does not speak GitHub's API"):
        GitHubApi(peer.url, ONCE).call("GET", "/app")
    with Peer(lambda _: [answer(status, b'{"message": "No"}')]) as peer:
        assert GitHubApi(peer.url, ONCE).call("GET", "/app").status == status


def test_an_address_that_no_token_may_be_sent_to_is_refused() -> None:
    with pytest.raises(BadInput, match="GITHUB_API_URL") as refused:
        GitHubApi("http://github.example.com")
    assert refused.value.code == "github_url_invalid"


def test_a_netrc_entry_does_not_replace_the_operators_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("default login somebody password else\n", encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with Peer(lambda _: [ORG]) as peer:
        assert NameResolver(peer.url, Secret("ghp_mine")).org(Org("octo-org")).login == "Octo-Org"
    assert b"Authorization: Bearer ghp_mine\r\n" in peer.requests[0]


def test_a_dripping_look_up_ends_in_time() -> None:
    more: list[bytes | float | None] = [b" ", 0.05] * 1200
    drip = [b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n", *more]
    policy = RetryPolicy(total_seconds=1.0)
    with Peer(lambda _: drip) as peer:
        began = time.monotonic()
        with pytest.raises(GitHubError, match="did not answer in time"):
            NameResolver(peer.url, retry=policy).org(Org("octo-org"))
    assert time.monotonic() - began < 10


def test_a_redirect_is_a_rename_and_is_not_followed_with_the_token() -> None:
    moved = answer(301, b'{"message": "Moved Permanently"}', Location="https://elsewhere.example/")
    with Peer(lambda _: [moved]) as peer, pytest.raises(GitHubError, match="it was renamed"):
        NameResolver(peer.url, Secret("ghp_mine")).org(Org("octo-org"))
    assert len(peer.requests) == 1


def test_an_invalid_key_is_not_quoted() -> None:
    with pytest.raises(ValueError, match="not an RSA private key") as refused:
        app_jwt("1", "-----BEGIN hunter2-----", 0)
    assert "hunter2" not in f"{refused.value!r}{refused.value.__cause__!r}"
