"""What an issuer publishes: read from peers that answer byte for byte as they are told."""

from __future__ import annotations

import json

import pytest

from fullsend.client.issuer_discovery import Discovery, is_internal, read_discovery
from tests.unit.outbound.loopback_peer import Peer, answer

URL = "https://issuer.example"


def document(**fields: object) -> bytes:
    return json.dumps({"issuer": URL, "jwks_uri": f"{URL}/jwks"} | fields).encode()


@pytest.mark.parametrize(
    ("reply", "refused"),
    [
        (answer(404), "/.well-known/openid-configuration answers 404"),
        (answer(302, Location="https://elsewhere.example/"), "/.well-known/openid-configuration answers 302"),
        (answer(200, b"<html>"), "the answer is not JSON"),
        (answer(200, b"[1]"), "the answer is not a JSON object"),
        (answer(200, b'{"a":' * 5000), "the answer is nested too deeply"),
        (answer(200, document()), f"it names the issuer '{URL}'"),
        (answer(200, document(issuer=["\x1b[31m"])), r"it names the issuer ['\x1b[31m']"),
        (answer(200, document(issuer="x" * 9000)), f"it names the issuer '{'x' * 199}"),
        (answer(200, b"{}"), "it names the issuer None"),
    ],
)
def test_a_document_that_google_could_not_use_is_named(reply: bytes, refused: str) -> None:
    with Peer(lambda _: [reply]) as peer:
        assert read_discovery(peer.url) == Discovery(refused=refused)


@pytest.mark.parametrize(
    ("keys", "found"), [(f"{URL}/jwks", Discovery()), (None, Discovery(refused="it has no jwks_uri"))]
)
def test_a_good_document_names_the_issuer_and_its_keys(keys: object, found: Discovery) -> None:
    with Peer(lambda _: [answer(200, document(issuer=peer.url, jwks_uri=keys))]) as peer:
        assert read_discovery(peer.url) == found
        assert peer.requests[0].startswith(b"GET /.well-known/openid-configuration HTTP/1.1")


def test_an_issuer_that_does_not_answer_is_only_unreachable() -> None:
    with Peer(lambda _: [b""]) as peer:
        found = read_discovery(peer.url, seconds=0.5)
    assert found.refused == ""
    assert found.unreachable
    assert "more than 65536 bytes" in too_large().unreachable


def too_large() -> Discovery:
    with Peer(lambda _: [answer(200, b" " * 70000)]) as peer:
        return read_discovery(peer.url)


@pytest.mark.parametrize(
    ("url", "internal"),
    [
        ("https://kubernetes.default.svc", True),
        ("https://kubernetes.default.svc.cluster.local", True),
        ("https://gitlab", True),
        ("https://gitlab.corp.internal./x", True),
        ("https://10.0.0.1:6443", True),
        ("https://[fd00::1]", True),
        ("https://gitlab.com", False),
        ("https://svc.example", False),
        ("https://8.8.8.8", False),
        ("http://127.0.0.1:8080", False),
        ("http://localhost:8080", False),
    ],
)
def test_a_host_of_a_private_network_is_known_by_its_name(url: str, internal: bool) -> None:
    assert is_internal(url) is internal
