"""What each service's refusal becomes: the code, whether a retry helps, and the cause in the operator's log.

The services answer what they document, and what a proxy, a captive portal or another service at the address sends.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from mintcore.errors import (
    GitHubRefused,
    GitHubUnavailable,
    InvalidRoleKey,
    InvalidToken,
    IssuerRefused,
    IssuerUnavailable,
    KeyRefused,
    KeyUnavailable,
    MintError,
    RoleKeyMissing,
    StsRefused,
    StsUnavailable,
)
from mintcore.github.refusals import no_answer, refusal
from mintcore.keys.google_api import GoogleApi
from mintcore.keys.kms import KmsKeys
from mintcore.keys.secret_manager import SecretManagerKeys
from mintcore.outbound.answer import OutboundError
from mintcore.outbound.channel import Outbound
from mintcore.policy.names import Org, Role
from mintcore.secret import Secret
from mintcore.verify.jwks import IssuerKeys
from mintcore.verify.sts import ConditionRefused, ProviderRefused, SecurityTokenService
from tests.mint_doubles import FakeClock, new_attempt
from tests.unit.outbound.loopback_peer import Peer, answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from mintcore.outbound.channel import Channel

CODER = Role("coder")
VERSION = "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1"
PAGE = b"<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>"
SENTENCE = "Google explains it here."
CANARY = "eyJhbGciOiJSUzI1NiJ9.canary.canary"


def google(status: str) -> bytes:
    """Google's error (google.rpc.Status in JSON)."""
    return json.dumps({"error": {"code": 1, "message": SENTENCE, "status": status}}).encode()


def oauth(error: str) -> bytes:
    return json.dumps({"error": error, "error_description": "The given credential is not good."}).encode()


def ask_secret_manager(channel: Channel, clock: FakeClock) -> None:
    SecretManagerKeys(GoogleApi(channel, None), clock, project_number="1").signer(CODER, new_attempt(clock))


def ask_kms(channel: Channel, clock: FakeClock) -> None:
    KmsKeys({CODER: VERSION}, GoogleApi(channel, None), clock).signer(CODER, new_attempt(clock)).sign(b"message")


def ask_sts(channel: Channel, clock: FakeClock) -> None:
    SecurityTokenService(channel, project_number="1", pool="pool").exchange(CANARY, "gh", new_attempt(clock))


def ask_github(channel: Channel, clock: FakeClock) -> None:
    try:
        given = channel.send("GET", "/orgs/acme/installation", headers={}, context=new_attempt(clock))
    except OutboundError as error:
        raise no_answer(error) from None
    raise refusal(given, doing="asking", org=Org("acme"), now=0.0, api_host=channel.host)


ASK: dict[str, Callable[[Channel, FakeClock], None]] = {
    "secret manager": ask_secret_manager,
    "kms": ask_kms,
    "sts": ask_sts,
    "github": ask_github,
}
KEYS = ("secret manager", "kms")
UNAVAILABLE: dict[str, type[MintError]] = {
    "secret manager": KeyUnavailable,
    "kms": KeyUnavailable,
    "sts": StsUnavailable,
    "github": GitHubUnavailable,
}
REFUSED: dict[str, type[MintError]] = {
    "secret manager": KeyRefused,
    "kms": KeyRefused,
    "sts": StsRefused,
    "github": GitHubRefused,
}
SETTING = {"secret manager": "SECRET_MANAGER_URL", "kms": "KMS_URL", "sts": "STS_URL", "github": "GITHUB_API_URL"}


def failure(service: str, reply: bytes) -> tuple[MintError, FakeClock]:
    clock = FakeClock()
    with Peer(lambda _number: [reply]) as peer, pytest.raises(MintError) as failed:
        ASK[service](Outbound(clock, connections=1, jitter=lambda: 0.0).channel(service, peer.url), clock)
    assert "canary" not in f"{failed.value.detail}{failed.value.public}"
    return failed.value, clock


@pytest.mark.parametrize(
    ("service", "status", "body", "kind", "cause"),
    [
        # Secret Manager: only NOT_FOUND and FAILED_PRECONDITION say something about the key.
        ("secret manager", 404, google("NOT_FOUND"), RoleKeyMissing, "does not exist or has no version"),
        ("secret manager", 400, google("FAILED_PRECONDITION"), RoleKeyMissing, "is disabled or destroyed"),
        ("secret manager", 400, google("INVALID_ARGUMENT"), KeyRefused, "status 400"),
        ("secret manager", 400, google("NOT_FOUND"), KeyRefused, "status 400"),
        ("secret manager", 404, google("FAILED_PRECONDITION"), KeyRefused, "status 404"),
        ("secret manager", 404, google("UNIMPLEMENTED"), KeyRefused, "status 404"),
        ("secret manager", 403, google("PERMISSION_DENIED"), KeyRefused, "status 403"),
        ("secret manager", 401, google("UNAUTHENTICATED"), KeyRefused, "status 401"),
        ("secret manager", 429, google("RESOURCE_EXHAUSTED"), KeyUnavailable, "status 429"),
        ("secret manager", 503, google("UNAVAILABLE"), KeyUnavailable, "status 503"),
        ("kms", 404, google("NOT_FOUND"), RoleKeyMissing, "does not exist"),
        ("kms", 400, google("FAILED_PRECONDITION"), RoleKeyMissing, "disabled, destroyed or not ready"),
        ("kms", 400, google("INVALID_ARGUMENT"), InvalidRoleKey, "cannot sign RS256"),
        ("kms", 400, google("OUT_OF_RANGE"), KeyRefused, "status 400"),
        ("kms", 404, google("UNIMPLEMENTED"), KeyRefused, "status 404"),
        ("kms", 403, google("PERMISSION_DENIED"), KeyRefused, "status 403"),
        ("kms", 429, google("RESOURCE_EXHAUSTED"), KeyUnavailable, "status 429"),
        ("sts", 403, google("PERMISSION_DENIED"), ProviderRefused, "PERMISSION_DENIED"),
        ("sts", 404, google("NOT_FOUND"), ProviderRefused, "NOT_FOUND"),
    ],
)
def test_googles_own_refusal_is_told_with_its_sentence(
    service: str, status: int, body: bytes, kind: type[MintError], cause: str
) -> None:
    failed, _ = failure(service, answer(status, body))
    assert type(failed) is kind
    assert cause in failed.detail
    assert SENTENCE in failed.detail
    assert SENTENCE not in failed.public


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, oauth("invalid_grant"), InvalidToken),
        (400, oauth("invalid_target"), ProviderRefused),
        (400, oauth("invalid_request"), ProviderRefused),
        (401, oauth("unauthorized_client"), ConditionRefused),
        (403, oauth("unauthorized_client"), ConditionRefused),
        # A proxy's JSON is not a refusal of the caller's token.
        (403, oauth("forbidden"), StsRefused),
        (403, oauth("Access denied by policy"), StsRefused),
        (407, oauth("invalid_grant"), StsRefused),
        (404, oauth("invalid_grant"), StsRefused),
        (302, oauth("invalid_grant"), StsRefused),
        (408, oauth("invalid_grant"), StsUnavailable),
        (425, oauth("invalid_grant"), StsUnavailable),
        (200, oauth("invalid_grant"), StsUnavailable),
    ],
)
def test_only_an_error_of_oauth_refuses_the_callers_token(status: int, body: bytes, kind: type[MintError]) -> None:
    assert type(failure("sts", answer(status, body))[0]) is kind


@pytest.mark.parametrize("service", ASK)
@pytest.mark.parametrize("body", [PAGE, b"", b"[]", b'{"message": ""}', b'{"error": null}', b"\xff\xfe"])
@pytest.mark.parametrize("status", [302, 307, 400, 403, 405, 407, 410])
def test_a_refusal_that_is_not_the_services_lasts_and_names_the_setting(
    service: str, status: int, body: bytes
) -> None:
    failed, _ = failure(service, answer(status, body, Location="https://portal.test/login"))
    assert type(failed) is REFUSED[service]
    assert f"status {status}" in failed.detail
    if body == PAGE:
        assert SETTING[service] in failed.detail
    assert "a retry does not help" in failed.public
    assert failed.headers() == ({} if service == "github" else {"X-Should-Retry": "false"})


@pytest.mark.parametrize("body", [PAGE, b"", b"[]", b'{"error": "not_found"}'])
@pytest.mark.parametrize("service", [*KEYS, "sts"])
def test_a_404_that_is_not_googles_says_nothing_about_the_key_or_the_token(service: str, body: bytes) -> None:
    failed, _ = failure(service, answer(404, body))
    assert type(failed) is REFUSED[service]
    assert SETTING[service] in failed.detail


@pytest.mark.parametrize("service", ASK)
@pytest.mark.parametrize("body", [PAGE, b"", b'{"message": "x"}', google("UNAVAILABLE")])
@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504, 599])
def test_an_answer_that_may_differ_next_time_is_transient(service: str, status: int, body: bytes) -> None:
    failed, _ = failure(service, answer(status, body))
    assert type(failed) is UNAVAILABLE[service]
    assert f"status {status}" in failed.detail
    assert "a retry does not help" not in failed.public
    assert "X-Should-Retry" not in failed.headers()


@pytest.mark.parametrize("service", [*KEYS, "sts"])
@pytest.mark.parametrize("body", [PAGE, b"", b"{}", b"[]"])
def test_a_captive_portals_page_with_200_is_neither_a_key_nor_a_token(service: str, body: bytes) -> None:
    failed, _ = failure(service, answer(200, body))
    assert type(failed) is UNAVAILABLE[service]
    assert failed.detail


@pytest.mark.parametrize("service", ASK)
@pytest.mark.parametrize(("status", "lasts"), [(407, True), (403, True), (302, True), (408, False), (503, False)])
def test_a_proxy_that_opens_no_tunnel_lasts_unless_its_status_may_pass(
    service: str, status: int, lasts: bool
) -> None:
    clock = FakeClock()
    with Peer(lambda _number: [answer(status)]) as proxy:
        outbound = Outbound(clock, connections=1, proxy_url=Secret(proxy.url.replace("//", "//me:canary@")))
        with pytest.raises(MintError) as failed:
            ASK[service](outbound.channel(service, "https://service.example"), clock)
    assert type(failed.value) is (REFUSED if lasts else UNAVAILABLE)[service]
    assert f"opens no tunnel to service.example:443: it answers with status {status}" in failed.value.detail
    assert "canary" not in f"{failed.value.detail}{failed.value.public}"
    if lasts:
        assert (len(proxy.requests), clock.sleeps) == (1, [])


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        *((answer(status, PAGE), IssuerRefused) for status in (302, 400, 403, 404, 407, 410)),
        *((answer(status, PAGE), IssuerUnavailable) for status in (408, 425, 429, 500, 502, 503, 204)),
        (answer(200, PAGE), IssuerUnavailable),
        (answer(200, b'{"issuer": "https://other.example"}'), IssuerRefused),
    ],
)
def test_an_issuers_address_that_refuses_lasts(reply: bytes, kind: type[MintError]) -> None:
    clock = FakeClock()
    with Peer(lambda _number: [reply]) as peer, pytest.raises(IssuerUnavailable) as failed:
        IssuerKeys(peer.url, Outbound(clock, connections=1, jitter=lambda: 0.0), clock, fetch_seconds=3.0).load(
            new_attempt(clock)
        )
    assert type(failed.value) is kind
    assert failed.value.lasting is (kind is IssuerRefused)
    assert "the keys of the issuer http://127.0.0.1:" in failed.value.detail


def test_a_proxy_on_the_way_to_an_issuer_that_opens_no_tunnel_lasts() -> None:
    clock = FakeClock()
    with Peer(lambda _number: [answer(407)]) as proxy:
        outbound = Outbound(clock, connections=1, proxy_url=Secret(proxy.url))
        keys = IssuerKeys("https://issuer.example", outbound, clock, fetch_seconds=3.0)
        with pytest.raises(IssuerRefused, match="status 407"):
            keys.load(new_attempt(clock))
