"""Which failures the client asks again about, and which mint it asks; time is passed in, so nothing waits."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fullsend.client import (
    MintClient,
    MintRefusedError,
    MintUnreachableError,
)
from fullsend.client.ask_mints import PERMANENT
from fullsend.net.transport import Transport
from fullsend_sandbox.faults import Drop, Fail
from mintcore.errors import MintError, ServerError
from tests.throwaway_ca import ThrowawayCa, https_front
from tests.unit.client.scripted_mint import IDENTITY, client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fullsend_sandbox.loopback import LoopbackService
    from tests.retry_time import RetryTime


def refusal(status: int, code: str, **headers: str) -> Fail:
    body = json.dumps({"error": f"No, because of {code}.", "code": code, "request_id": "r-1"})
    return Fail(status, body, headers)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_a_refusal_is_not_asked_again_and_keeps_the_mints_words(
    mint: LoopbackService, time: RetryTime, status: int
) -> None:
    mint.faults.add(refusal(status, "org_not_allowed"))
    with pytest.raises(MintRefusedError, match="because of org_not_allowed") as refused:
        client(time, mint).mint("coder")
    assert len(mint.traffic) == 1
    assert (refused.value.code, refused.value.status, refused.value.request_id) == (
        "org_not_allowed",
        status,
        "r-1",
    )


@pytest.mark.parametrize("fault", [refusal(503, "github_rate_limited"), refusal(429, "rate_limited"), Drop()])
def test_what_may_pass_is_asked_again(mint: LoopbackService, time: RetryTime, fault: Fail | Drop) -> None:
    mint.faults.add(fault, times=2)
    client(time, mint).mint("coder")
    assert (len(mint.traffic), time.slept) == (3, [1, 2])


def errors(kind: type[MintError]) -> Iterator[type[MintError]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from errors(narrower)


def test_the_codes_that_stay_are_those_the_mint_says_stay() -> None:
    told = {kind.code for kind in errors(ServerError) if "code" in vars(kind)}
    assert told == PERMANENT


@pytest.mark.parametrize("code", sorted(PERMANENT))
def test_a_failure_that_the_operator_has_to_fix_is_not_repeated(
    mint: LoopbackService, time: RetryTime, code: str
) -> None:
    mint.faults.add(refusal(500, code))
    with pytest.raises(MintUnreachableError, match=f"because of {code}") as failed:
        client(time, mint).mint("coder")
    assert (failed.value.code, failed.value.request_id, len(mint.traffic)) == (code, "r-1", 1)


@pytest.mark.parametrize("code", ["key_unavailable", "sts_unavailable"])
def test_a_failure_of_which_the_mint_says_that_it_lasts_is_not_repeated(
    mint: LoopbackService, time: RetryTime, code: str
) -> None:
    mint.faults.add(refusal(502, code, **{"X-Should-Retry": "false"}))
    with pytest.raises(MintUnreachableError, match=f"because of {code}") as failed:
        client(time, mint).mint("coder")
    assert (failed.value.code, len(mint.traffic)) == (code, 1)


def test_a_500_that_is_not_the_mints_own_is_asked_again(mint: LoopbackService, time: RetryTime) -> None:
    mint.faults.add(Fail(500, "<html>Internal Server Error"), times=2)
    client(time, mint).mint("coder")
    assert len(mint.traffic) == 3


def test_only_the_mint_that_may_recover_is_asked_again(
    make_mint: Callable[[], LoopbackService], time: RetryTime
) -> None:
    first, second = make_mint(), make_mint()
    first.faults.add(refusal(500, "invalid_role_key"))
    second.faults.add(Drop(), times=2)
    minted = client(time, first, second).mint("coder")
    assert (minted.mint_url, len(first.traffic), len(second.traffic)) == (second.url, 1, 3)


def test_retry_after_is_honored(mint: LoopbackService, time: RetryTime) -> None:
    mint.faults.add(refusal(429, "rate_limited", **{"Retry-After": "17"}), times=1)
    client(time, mint).mint("coder")
    assert time.slept == [17]


@pytest.mark.parametrize("asked", ["99999999", "61"])
def test_a_mint_that_asks_to_wait_longer_than_the_client_waits_is_not_promised_a_retry(
    mint: LoopbackService, time: RetryTime, asked: str
) -> None:
    mint.faults.add(refusal(429, "rate_limited", **{"Retry-After": asked}))
    with pytest.raises(MintUnreachableError) as failed:
        client(time, mint).mint("coder")
    assert (failed.value.code, failed.value.request_id, time.slept) == ("rate_limited", "r-1", [])
    said = f"No, because of rate_limited. The mint asks to wait {asked} seconds, longer than the client waits."
    assert failed.value.message == said
    assert failed.value.remedy.startswith("Run the job again after that time.")


def test_a_mint_that_asks_for_more_than_the_rest_of_the_time_is_not_promised_a_retry(
    mint: LoopbackService, time: RetryTime
) -> None:
    mint.faults.add(refusal(429, "rate_limited", **{"Retry-After": "40"}))
    with pytest.raises(MintUnreachableError, match="asks to wait 40 seconds, longer than the client waits"):
        client(time, mint).mint("coder")
    assert time.slept == [40]


def test_all_attempts_share_one_request_id(mint: LoopbackService, time: RetryTime) -> None:
    mint.faults.add(refusal(502, "github_unavailable"), times=2)
    client(time, mint).mint("coder")
    assert len({sent.headers["x-request-id"] for sent in mint.traffic}) == 1


def test_giving_up_is_bounded_and_says_the_mints_last_word(mint: LoopbackService, time: RetryTime) -> None:
    mint.faults.add(refusal(502, "github_unavailable"))
    with pytest.raises(MintUnreachableError, match="because of github_unavailable") as failed:
        client(time, mint).mint("coder")
    assert failed.value.code == "github_unavailable"
    assert time.seconds <= 60


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_overload_that_is_not_the_mints_own_is_not_taken_for_a_typing_error(
    mint: LoopbackService, time: RetryTime, status: int
) -> None:
    mint.faults.add(Fail(status, "<html>upstream connect error"))
    with pytest.raises(MintUnreachableError, match=f"answers {status} without the mint's error") as failed:
        client(time, mint).mint("coder")
    assert (failed.value.code, "typing" in failed.value.remedy) == ("mint_not_reached", False)


def test_a_certificate_that_is_not_accepted_is_said_to_be_at_once(tmp_path: Path, time: RetryTime) -> None:
    with https_front(ThrowawayCa(tmp_path, "127.0.0.1"), b"") as port:
        there = MintClient(f"https://127.0.0.1:{port}", identity=lambda _: IDENTITY, retry=time.policy())
        with pytest.raises(
            MintUnreachableError, match=r"TLS certificate of 127\.0\.0\.1:.* \(unable to get"
        ) as failed:
            there.mint("coder")
    assert (failed.value.code, time.slept) == ("mint_certificate_refused", [])
    assert "REQUESTS_CA_BUNDLE" in failed.value.remedy


def test_authorities_that_cannot_be_read_are_not_a_certificate_of_the_mint(tmp_path: Path, time: RetryTime) -> None:
    environ = {"REQUESTS_CA_BUNDLE": str(tmp_path / "missing.pem")}
    there = MintClient(
        "https://127.0.0.1:1", identity=lambda _: IDENTITY, transport=Transport(environ), retry=time.policy()
    )
    with pytest.raises(MintUnreachableError, match="REQUESTS_CA_BUNDLE names") as failed:
        there.mint("coder")
    assert (failed.value.code, time.slept) == ("ca_bundle_unreadable", [])
    assert failed.value.remedy.startswith("Set the variable in the message")


def test_what_speaks_no_tls_is_not_said_to_have_a_bad_certificate(mint: LoopbackService, time: RetryTime) -> None:
    there = MintClient(mint.url.replace("http:", "https:"), identity=lambda _: IDENTITY, retry=time.policy())
    with pytest.raises(MintUnreachableError, match="the TLS connection with") as failed:
        there.mint("coder")
    assert failed.value.code == "mint_unreachable"


@pytest.mark.parametrize("fault", [Drop(), refusal(500, "internal_error"), Fail(502, "<html>Bad gateway")])
def test_the_next_mint_is_asked_at_once(
    make_mint: Callable[[], LoopbackService], time: RetryTime, fault: Drop | Fail
) -> None:
    first, second = make_mint(), make_mint()
    first.faults.add(fault)
    minted = client(time, first, second).mint("coder")
    assert (minted.mint_url, time.slept) == (second.url, [])


def test_a_mint_that_was_skipped_is_told_and_one_that_recovers_is_not(
    make_mint: Callable[[], LoopbackService], time: RetryTime
) -> None:
    first, second = make_mint(), make_mint()
    told: list[str] = []
    policy = replace(time.policy(), on_skip=told.append)
    there = MintClient([first.url, second.url], identity=lambda _: IDENTITY, retry=policy)
    first.faults.add(refusal(500, "internal_error"), times=1)
    there.mint("coder")
    assert told == [f"Skipped the mint at {first.url}: No, because of internal_error."]
    first.faults.add(Drop(), times=1)
    second.faults.add(Drop(), times=1)
    told.clear()
    assert there.mint("coder").mint_url == first.url
    assert [line.partition(": The mint did")[0] for line in told] == [f"Skipped the mint at {second.url}"]


@pytest.mark.parametrize("fault", [refusal(403, "org_not_allowed"), refusal(401, "invalid_token")])
def test_a_refusal_is_not_taken_to_the_next_mint(
    make_mint: Callable[[], LoopbackService], time: RetryTime, fault: Fail
) -> None:
    first, second = make_mint(), make_mint()
    first.faults.add(fault)
    with pytest.raises(MintRefusedError):
        client(time, first, second).mint("coder")
    assert len(second.traffic) == 0


def test_a_mint_is_not_asked_before_the_time_it_asked_for_while_another_is_silent(
    make_mint: Callable[[], LoopbackService], time: RetryTime
) -> None:
    silent, busy = make_mint(), make_mint()
    silent.faults.add(Drop())
    busy.faults.add(refusal(503, "github_rate_limited", **{"Retry-After": "20"}), times=1)
    minted = client(time, silent, busy).mint("coder")
    assert (minted.mint_url, len(busy.traffic)) == (busy.url, 2)
    assert sum(time.slept) >= 20


def test_a_mint_that_limits_once_is_gone_round_when_it_fails_in_another_way(
    make_mint: Callable[[], LoopbackService], time: RetryTime
) -> None:
    first, second = make_mint(), make_mint()
    first.faults.add(refusal(429, "rate_limited", **{"Retry-After": "1"}), times=1)
    first.faults.add(Drop())
    assert client(time, first, second).mint("coder").mint_url == second.url


def test_a_mint_that_limits_is_waited_for_rather_than_gone_round(
    make_mint: Callable[[], LoopbackService], time: RetryTime
) -> None:
    first, second = make_mint(), make_mint()
    first.faults.add(refusal(429, "rate_limited", **{"Retry-After": "5"}), times=1)
    minted = client(time, first, second).mint("coder")
    assert (minted.mint_url, time.slept, len(second.traffic)) == (first.url, [5], 0)


def test_when_every_mint_fails_each_is_named(make_mint: Callable[[], LoopbackService], time: RetryTime) -> None:
    first, second = make_mint(), make_mint()
    first.faults.add(Drop())
    second.faults.add(refusal(503, "github_rate_limited"))
    with pytest.raises(MintUnreachableError, match=r"All 2 mints failed: .* / No, because of") as failed:
        client(time, first, second).mint("coder")
    assert failed.value.code == "github_rate_limited"
