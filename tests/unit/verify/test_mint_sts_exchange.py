"""The exchange with Google's token service: its form, and what each answer means."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest

from mintcore.errors import InvalidToken, StsRefused, StsUnavailable
from mintcore.outbound.channel import Outbound
from mintcore.verify.sts import SecurityTokenService
from tests.mint_doubles import FakeClock, new_attempt
from tests.unit.outbound.loopback_peer import Peer, answer

POOL = "fullsend-pool"
TOKEN = "header.payload.signature"


def exchange(url: str, clock: FakeClock, token: str = TOKEN) -> None:
    channel = Outbound(clock, connections=2).channel("sts", url)
    SecurityTokenService(channel, project_number="123", pool=POOL).exchange(token, "gh", new_attempt(clock))


def against(clock: FakeClock, *answers: bytes | None) -> Peer:
    """Exchange at a service that answers so; the last answer stays."""
    with Peer(lambda number: [answers[min(number, len(answers) - 1)]]) as peer:
        exchange(peer.url, clock)
    return peer


def test_the_exchange_is_the_form_of_rfc_8693(clock: FakeClock) -> None:
    peer = against(clock, answer(200, b'{"access_token": "ya29.x"}'))
    head, _, body = peer.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/token HTTP/1.1\r\n")
    assert b"application/x-www-form-urlencoded" in head
    assert b"authorization" not in head.lower()
    assert {name: values[0] for name, values in parse_qs(body.decode()).items()} == {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": (
            "//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/fullsend-pool/providers/gh"
        ),
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "subject_token": TOKEN,
    }


@pytest.mark.parametrize("token", [TOKEN, "a-b._~", "x&audience=y", "x y+z", "100%", "\u00e4"])
def test_a_token_never_becomes_another_field_of_the_form(clock: FakeClock, token: str) -> None:
    with Peer(lambda _: [answer(200, b'{"access_token": "ya29.x"}')]) as peer:
        exchange(peer.url, clock, token)
    fields = parse_qs(peer.requests[0].partition(b"\r\n\r\n")[2].decode(), strict_parsing=True)
    assert fields["subject_token"] == [token]
    assert len(fields) == 6
    assert {len(values) for values in fields.values()} == {1}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, b'{"error": "invalid_grant", "error_description": "is stale to sign-in"}'),
        (400, b'{"error": "invalid_target"}'),
        (401, b'{"error": "unauthorized_client", "error_description": "rejected by the attribute condition"}'),
        (403, b'{"error": "unauthorized_client"}'),
    ],
)
def test_a_refusal_of_google_is_an_invalid_token(clock: FakeClock, status: int, body: bytes) -> None:
    with pytest.raises(InvalidToken, match="STS refused it at provider gh") as refused:
        against(clock, answer(status, body))
    assert refused.value.public == InvalidToken.sentence


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_a_service_in_trouble_is_not_a_result(clock: FakeClock, status: int) -> None:
    with pytest.raises(StsUnavailable):
        against(clock, answer(status, b'{"error": "invalid_grant"}'))


@pytest.mark.parametrize("status", [200, 429, 500, 503])
def test_only_a_3xx_or_4xx_lasts(clock: FakeClock, status: int) -> None:
    with pytest.raises(StsUnavailable) as failed:
        against(clock, answer(status, b"<html>"))
    assert not failed.value.lasting


def test_how_long_the_service_wants_to_be_left_alone_is_passed_on(clock: FakeClock) -> None:
    with pytest.raises(StsUnavailable) as failed:
        against(clock, answer(429, b"", Retry_After="77"))
    assert failed.value.retry_after == 77


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", b"[]", b"null", b'"x"', b"\xff\xff", b"[" * 90_000,
                                  b'{"access_token": ""}', b'{"access_token": null}', b"1"])  # fmt: skip
def test_an_answer_without_an_access_token_is_not_a_result(clock: FakeClock, body: bytes) -> None:
    with pytest.raises(StsUnavailable):
        against(clock, answer(200, body))


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"x"', b"<html>", b"\xff\xff", b"[" * 90_000, b"",
                                  b'{"message": "x"}'])  # fmt: skip
@pytest.mark.parametrize("status", [400, 403, 404, 301])
def test_a_refusal_that_is_not_of_googles_form_lasts(clock: FakeClock, status: int, body: bytes) -> None:
    with pytest.raises(StsRefused, match=f"STS_URL .* status {status}") as refused:
        against(clock, answer(status, body))
    assert refused.value.headers() == {"X-Should-Retry": "false"}
    assert "operator" in refused.value.public
    assert "try again" not in refused.value.public


@pytest.mark.parametrize(
    ("status", "body"),
    [
        *((status, b'{"access_token": "ya29.x"}') for status in (201, 202, 301, 400, 401, 403)),
        (200, b'{"error": "invalid_grant"}'),
    ],
)
def test_a_status_and_a_body_that_do_not_belong_together_are_not_a_result(
    clock: FakeClock, status: int, body: bytes
) -> None:
    with pytest.raises(StsUnavailable):
        against(clock, answer(status, body))


def test_a_dropped_connection_is_tried_again(clock: FakeClock) -> None:
    against(clock, None, answer(200, b'{"access_token": "x"}'))


def test_a_service_that_is_gone_is_not_a_result(clock: FakeClock) -> None:
    with pytest.raises(StsUnavailable):
        against(clock, None)


def test_the_verdict_is_never_remembered(clock: FakeClock) -> None:
    with Peer(lambda _number: [answer(200, b'{"access_token": "x"}')]) as peer:
        for _ in range(3):
            exchange(peer.url, clock)
    assert len(peer.requests) == 3


@pytest.mark.parametrize(
    "reply", [answer(400, b"{}"), answer(400, b'{"error": "x"}'), answer(503), answer(200), None]
)
def test_the_token_is_in_no_text_of_a_refusal(clock: FakeClock, reply: bytes | None) -> None:
    canary = "eyJhbGciOiJSUzI1NiJ9.canary.canary"
    with Peer(lambda _number: [reply]) as peer, pytest.raises((InvalidToken, StsUnavailable)) as failed:
        exchange(peer.url, clock, canary)
    assert "canary" not in f"{failed.value!s}{failed.value!r}{failed.value.detail}"
