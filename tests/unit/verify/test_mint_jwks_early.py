"""GitHub's key set is requested beside the discovery document, and used only from where that document has it."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from mintcore.errors import InvalidToken
from mintcore.outbound.channel import Outbound
from mintcore.startup.helper_threads import HelperThreads
from mintcore.verify.jwks import IssuerKeys
from mintcore.verify.unverified import split_token
from tests.mint_doubles import FakeClock, new_attempt
from tests.unit.outbound.loopback_peer import Peer, answer
from tests.unit.verify.published_keys import jwk, key_set, signed

if TYPE_CHECKING:
    from collections.abc import Callable

USUAL = "/.well-known/jwks"


class GitHubLike:
    """An issuer that answers each path as it is told; ``paths`` are those it was asked for.

    ``waits`` is called before it sends its discovery document.
    """

    def __init__(
        self, keys_path: str, answers: dict[str, Callable[[], bytes]], waits: Callable[[], object] = lambda: None
    ) -> None:
        self.peer = Peer(self._answer)
        self._keys_path = keys_path
        self._answers = answers
        self._waits = waits

    @property
    def paths(self) -> list[str]:
        return [request.split(b" ")[1].decode() for request in self.peer.requests]

    def _answer(self, number: int) -> list[bytes]:
        path = self.paths[number]
        if path in self._answers:
            return [self._answers[path]()]
        self._waits()
        document = {"issuer": self.peer.url, "jwks_uri": self.peer.url + self._keys_path}
        return [answer(200, json.dumps(document).encode())]

    def keys(self, clock: FakeClock) -> IssuerKeys:
        return IssuerKeys(
            self.peer.url,
            Outbound(clock, connections=2),
            clock,
            fetch_seconds=3,
            helpers=HelperThreads(1),
            like_github=True,
        )


def test_the_key_set_is_requested_before_the_discovery_document_answers(
    clock: FakeClock, key: rsa.RSAPrivateKey
) -> None:
    asked = threading.Event()

    def key_set_answer() -> bytes:
        asked.set()
        return answer(200, key_set(jwk(key)))

    waited: list[bool] = []
    issuer = GitHubLike(USUAL, {USUAL: key_set_answer}, waits=lambda: waited.append(asked.wait(5)))
    with issuer.peer:
        context = new_attempt(clock)
        issuer.keys(clock).check_signature(split_token(signed(key)), context)
        assert waited == [True]
        assert sorted(issuer.paths) == ["/.well-known/jwks", "/.well-known/openid-configuration"]
        assert context.upstream_calls == {"issuer": 2}


def test_keys_that_the_discovery_document_does_not_name_are_not_used(
    clock: FakeClock, key: rsa.RSAPrivateKey
) -> None:
    other = rsa.generate_private_key(65537, 2048)
    issuer = GitHubLike(
        "/keys", {USUAL: lambda: answer(200, key_set(jwk(other))), "/keys": lambda: answer(200, key_set(jwk(key)))}
    )
    with issuer.peer:
        keys = issuer.keys(clock)
        keys.check_signature(split_token(signed(key)), new_attempt(clock))
        with pytest.raises(InvalidToken):
            keys.check_signature(split_token(signed(other)), new_attempt(clock))


@pytest.mark.parametrize("first", [answer(500, b""), answer(404, b""), answer(200, b"no JSON"), b"no HTTP\r\n\r\n"])
def test_an_early_answer_that_is_unusable_is_requested_again(
    clock: FakeClock, key: rsa.RSAPrivateKey, first: bytes
) -> None:
    answers = iter([first])
    issuer = GitHubLike(USUAL, {USUAL: lambda: next(answers, answer(200, key_set(jwk(key))))})
    with issuer.peer:
        issuer.keys(clock).check_signature(split_token(signed(key)), new_attempt(clock))
        assert issuer.paths.count(USUAL) > 1
