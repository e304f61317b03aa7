"""Calls to Secret Manager: their form, their time, and the way they take."""

from __future__ import annotations

import base64
import importlib
import json
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullsend_sandbox.faults import Fail, Trickle
from mintcore.clock import CorrectedClock
from mintcore.errors import InvalidRoleKey, KeyUnavailable
from mintcore.keys.access_tokens import AccessTokens
from mintcore.keys.crc32c import crc32c
from mintcore.keys.google_api import google_api
from mintcore.keys.rsa import RsaSigner
from mintcore.keys.secret_manager import SecretManagerKeys, content_of
from mintcore.outbound.answer import Answer
from mintcore.outbound.channel import Outbound
from mintcore.secret import Secret
from tests.mint_doubles import FakeClock, new_attempt
from tests.unit.keys.key_values import CODER, SECRET, pem, store
from tests.unit.outbound.loopback_peer import Peer, answer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric import rsa

    from fullsend_sandbox.secret_manager import SecretManager

    AmbientCredentials = Callable[[str], None]


@pytest.mark.parametrize("damage", [1, -1])
def test_a_secret_that_does_not_match_its_checksum_is_not_used(
    clock: FakeClock, secrets: SecretManager, key: rsa.RSAPrivateKey, damage: int
) -> None:
    payload = {"data": base64.b64encode(pem(key)).decode(), "dataCrc32c": str(crc32c(pem(key)) + damage)}
    secrets.faults.add(Fail(200, json.dumps({"name": "x", "payload": payload})))
    with pytest.raises(KeyUnavailable, match="dataCrc32c"):
        store(clock, secrets.url).signer(CODER, new_attempt(clock))


def test_a_checksum_is_crc_32c() -> None:
    assert crc32c(b"") == 0
    assert crc32c(b"123456789") == 0xE3069283  # the check value of the catalogue of CRCs
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720 appendix B.4


def test_an_answer_that_drips_does_not_outlast_the_request(secrets: SecretManager, key: rsa.RSAPrivateKey) -> None:
    secrets.add_version(SECRET, pem(key))
    secrets.faults.add(Trickle(30), times=1)
    clock = CorrectedClock()
    outbound = Outbound(clock, connections=2)
    api = google_api("secretmanager", secrets.url, outbound, AccessTokens(clock))
    keys = SecretManagerKeys(api, clock, project_number="123")
    started = time.monotonic()
    with pytest.raises(KeyUnavailable, match="no answer from"):
        keys.signer(CODER, new_attempt(clock, 0.4))
    assert time.monotonic() - started < 1.5
    assert isinstance(keys.signer(CODER, new_attempt(clock)), RsaSigner)
    assert secrets.traffic.count() == 2


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_secret_manager_that_fails_for_a_while_is_called_again_within_the_request(
    clock: FakeClock, secrets: SecretManager, key: rsa.RSAPrivateKey, status: int
) -> None:
    secrets.add_version(SECRET, pem(key))
    secrets.faults.add(Fail(status), times=5)
    assert isinstance(store(clock, secrets.url).signer(CODER, new_attempt(clock)), RsaSigner)


def test_a_secret_manager_that_stays_down_costs_a_request_eight_seconds_at_most(
    clock: FakeClock, secrets: SecretManager
) -> None:
    secrets.faults.add(Fail(503))
    with pytest.raises(KeyUnavailable, match="status 503"):
        store(clock, secrets.url).signer(CODER, new_attempt(clock))
    assert 6 < sum(clock.sleeps) <= 8


def test_a_failed_connection_is_logged_with_its_host_and_cause(clock: FakeClock) -> None:
    with pytest.raises(KeyUnavailable) as failed:
        store(clock, "http://127.0.0.1:9").signer(CODER, new_attempt(clock))
    assert failed.value.detail == (
        "secret fullsend-coder-app-pem: secretmanager: cannot connect to 127.0.0.1:9: Connection refused"
    )


def test_the_call_is_the_one_that_googles_own_client_makes(clock: FakeClock) -> None:
    from google.auth.credentials import AnonymousCredentials  # noqa: PLC0415 - slow to import
    from google.cloud import secretmanager_v1  # noqa: PLC0415 - as above

    body = json.dumps({"payload": {"data": "eA=="}}).encode()
    with Peer(lambda _number: [answer(200, body)]) as peer:
        transport = secretmanager_v1.SecretManagerServiceClient.get_transport_class("rest")(
            host=peer.url.removeprefix("http://"), url_scheme="http", credentials=AnonymousCredentials()
        )
        client = secretmanager_v1.SecretManagerServiceClient(transport=transport)
        theirs = client.access_secret_version(name=f"projects/123/secrets/{SECRET}/versions/latest")
        transport.close()
        with pytest.raises(InvalidRoleKey):  # "x" is the content, and not a key
            store(clock, peer.url).signer(CODER, new_attempt(clock))
    assert theirs.payload.data == b"x"
    targets = [request.split(b"\r\n")[0].partition(b"?")[0].removesuffix(b" HTTP/1.1") for request in peer.requests]
    assert targets == [b"GET /v1/projects/123/secrets/fullsend-coder-app-pem/versions/latest:access"] * 2
    assert [request.partition(b"\r\n\r\n")[2] for request in peer.requests] == [b"", b""]


@given(
    st.binary(max_size=200)
    | st.dictionaries(st.sampled_from(["payload", "name", "error"]), st.from_type(dict) | st.text()).map(
        lambda value: json.dumps(value, default=str).encode()
    )
    | st.fixed_dictionaries(
        {"data": st.text() | st.none() | st.integers(), "dataCrc32c": st.text() | st.integers() | st.none()}
    ).map(lambda payload: json.dumps({"payload": payload}).encode())
)
def test_any_answer_becomes_a_content_that_was_sent_or_a_failure(body: bytes) -> None:
    try:
        content = content_of(Answer(200, {}, body), SECRET)
    except KeyUnavailable:
        return
    sent = json.loads(body)["payload"]["data"]
    assert isinstance(sent, str)
    assert base64.b64decode(sent, validate=True) == content


@pytest.mark.parametrize(
    "payload", [None, [], "eA==", {}, {"data": None}, {"data": 1234}, {"data": "e A=="}, {"data": "eA"},
                {"data": "eA==", "dataCrc32c": "x"}, {"data": "eA==", "dataCrc32c": [1]}],
)  # fmt: skip
def test_an_answer_without_a_secret_is_unavailable(payload: object) -> None:
    with pytest.raises(KeyUnavailable, match="is not a secret"):
        content_of(Answer(200, {}, json.dumps({"payload": payload}).encode()), SECRET)


@pytest.fixture
def ambient_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AmbientCredentials:
    """Give credentials for Google's client, whose access tokens come from a URL."""

    def lie_around(token_url: str) -> None:
        subject, file = tmp_path / "subject", tmp_path / "credentials.json"
        subject.write_text("subject token")
        account = {"type": "external_account", "audience": "here", "token_url": token_url}
        source = {"subject_token_type": "urn:x", "credential_source": {"file": str(subject)}}
        file.write_text(json.dumps(account | source))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "octo-project")
        importlib.import_module("google.auth.transport.requests")  # would outlast the time of a test

    return lie_around


TOKEN = answer(200, b'{"access_token": "t", "issued_token_type": "x", "token_type": "Bearer", "expires_in": 3600}')


@pytest.mark.parametrize(
    ("url", "tokens"),
    [("http://127.0.0.1:9", 0), ("https://127.0.0.1:9", 0), ("https://localhost:9", 0), ("https://[::1]:9", 0),
     ("http://a..b", 1)],
)  # fmt: skip
def test_no_credentials_go_to_this_machine(
    clock: FakeClock, ambient_credentials: AmbientCredentials, url: str, tokens: int
) -> None:
    with Peer(lambda _number: [TOKEN]) as google:
        ambient_credentials(google.url)
        with pytest.raises(KeyUnavailable):
            store(clock, url).signer(CODER, new_attempt(clock, seconds=10.0 if tokens else 0.5))
    assert len(google.requests) == tokens


def test_neither_the_key_nor_the_access_token_goes_by_an_ambient_proxy(
    clock: FakeClock, ambient_credentials: AmbientCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Peer(lambda _number: [answer(418)]) as proxy, Peer(lambda _number: [TOKEN]) as google:
        ambient_credentials(google.url)
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        with pytest.raises(KeyUnavailable):
            store(clock, "http://a..b").signer(CODER, new_attempt(clock))
    assert (len(google.requests), proxy.requests) == (1, [])


@pytest.mark.parametrize(
    ("url", "asked_for"),
    [("https://127.0.0.1:9", b"127.0.0.1:9"), ("https://secrets.example", b"tokens.example:443")],
    ids=["key", "access token"],
)
def test_the_key_and_the_access_token_pass_the_configured_proxy(
    clock: FakeClock, ambient_credentials: AmbientCredentials, url: str, asked_for: bytes
) -> None:
    with Peer(lambda _number: [answer(418)]) as proxy:
        ambient_credentials("https://tokens.example")
        keys = store(clock, url, proxy_url=Secret(proxy.url))
        with pytest.raises(KeyUnavailable):
            keys.signer(CODER, new_attempt(clock, seconds=0.5))
    assert proxy.requests[0].startswith(b"CONNECT " + asked_for)


def test_a_stored_text_other_than_a_key_is_invalid(clock: FakeClock, secrets: SecretManager) -> None:
    secrets.add_version(SECRET, b"canary")
    with pytest.raises(InvalidRoleKey) as refused:
        store(clock, secrets.url).signer(CODER, new_attempt(clock))
    assert "canary" not in refused.value.detail


@pytest.mark.parametrize("reply", [answer(200, b"<html>"), answer(200, b"[]"), answer(418), None])
def test_an_answer_that_makes_no_sense_is_unavailable(clock: FakeClock, reply: bytes | None) -> None:
    with Peer(lambda _number: [reply]) as peer, pytest.raises((KeyUnavailable, InvalidRoleKey)):
        store(clock, peer.url).signer(CODER, new_attempt(clock, seconds=0.5))


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_an_ambient_proxy_is_ignored(
    clock: FakeClock, secrets: SecretManager, key: rsa.RSAPrivateKey, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets.add_version(SECRET, pem(key))
    with Peer(lambda _number: [answer(418)]) as proxy:
        monkeypatch.setenv(name, proxy.url)
        store(clock, secrets.url).signer(CODER, new_attempt(clock))
    assert proxy.requests == []
