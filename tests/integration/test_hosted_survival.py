"""Break the world on purpose around a real hosted mint: it survives, or answers with the right error."""

from __future__ import annotations

import re
import signal
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from time import monotonic
from typing import TYPE_CHECKING

import pytest
import requests

from fullsend_sandbox import names
from fullsend_sandbox.faults import Drop, Fail, Garbage, Huge, Slow, Trickle
from tests.unit.outbound.loopback_peer import Peer

if TYPE_CHECKING:
    from fullsend_sandbox.faults import Fault
    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World
    from tests.conftest import StartMint

BUDGET_SECONDS = 2
HASTE = {"REQUEST_DEADLINE_SECONDS": str(BUDGET_SECONDS)}


def mint(url: str, world: World) -> requests.Response:
    headers = {"Authorization": f"Bearer {world.issuer.token(world.job())}"}
    return requests.post(f"{url}/v1/token", json={"role": "coder", "repos": ["app"]}, headers=headers, timeout=60)


def outcome(url: str, world: World) -> tuple[int, str]:
    answer = mint(url, world)
    return answer.status_code, answer.json().get("code", "minted")


MINTED = (200, "minted")


def warm(start_mint: StartMint, world: World, **changes: str) -> MintProcess:
    process = start_mint(**changes)
    assert outcome(process.url, world) == MINTED
    return process


def test_a_token_for_five_hundred_repositories_with_long_names_is_minted(
    world: World, start_mint: StartMint
) -> None:
    repos = [f"{number:03}-{'x' * 96}" for number in range(500)]
    for name in repos:
        world.github.create_repo(f"{names.ORG}/{name}")
    headers = {"Authorization": f"Bearer {world.issuer.token(world.job())}"}
    asked = {"role": "coder", "repos": repos}
    answer = requests.post(f"{start_mint().url}/v1/token", json=asked, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text[:500]
    assert len(answer.json()["granted_repos"]) == 500
    assert len(world.github.live_tokens()) == 1


def test_the_issuers_keys_down_at_start_leave_the_word_to_sts(world: World, start_mint: StartMint) -> None:
    world.issuer.faults.add(Fail(503))
    process = start_mint()
    assert outcome(process.url, world) == MINTED
    forged = {"Authorization": f"Bearer {world.issuer.forged_token(world.job())}"}
    answer = requests.post(f"{process.url}/v1/token", json={"role": "coder"}, headers=forged, timeout=60)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


def test_without_the_issuers_keys_policy_speaks_only_after_sts(world: World, start_mint: StartMint) -> None:
    world.issuer.faults.add(Fail(503))
    world.admit_orgs()
    process = start_mint()
    genuine = world.issuer.token(world.job(repository="other-org/app"))
    forged = world.issuer.forged_token(world.job(repository="other-org/app"))
    codes = [
        requests.post(
            f"{process.url}/v1/token",
            json={"role": "coder"},
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
        ).json()["code"]
        for token in (forged, genuine)
    ]
    assert codes == ["invalid_token", "org_not_allowed"]
    assert world.sts.traffic.count() == 2


def test_the_issuers_keys_down_later_are_not_missed(world: World, start_mint: StartMint) -> None:
    process = warm(start_mint, world)
    world.issuer.faults.add(Drop())
    assert outcome(process.url, world) == MINTED


def test_a_rotated_issuer_key_is_picked_up_at_once(world: World, start_mint: StartMint) -> None:
    process = warm(start_mint, world)
    world.issuer.rotate_key(retire=True)
    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(lambda _: outcome(process.url, world), range(16))) == {MINTED}
    assert world.issuer.traffic.count(path_prefix="/.well-known/jwks") == 2


def test_invented_key_ids_ask_the_issuer_once_in_thirty_seconds(world: World, start_mint: StartMint) -> None:
    process = warm(start_mint, world)
    world.issuer.rotate_key(publish=False)
    assert {outcome(process.url, world) for _ in range(10)} == {(401, "invalid_token")}
    assert world.issuer.traffic.count(path_prefix="/.well-known/jwks") == 2


@pytest.mark.parametrize("fault", [Fail(500), Fail(502), Fail(503), Fail(504), Drop()], ids=repr)
@pytest.mark.parametrize("service", ["sts", "github"])
def test_a_fault_that_passes_is_not_noticed(
    service: str, fault: Fault, world: World, hosted_mint: MintProcess
) -> None:
    assert outcome(hosted_mint.url, world) == MINTED
    getattr(world, service).faults.add(fault, times=1)
    assert outcome(hosted_mint.url, world) == MINTED


@pytest.mark.parametrize(
    ("service", "fault", "wanted"),
    [
        ("sts", Slow(30), (502, "sts_unavailable")),
        ("sts", Trickle(30), (502, "sts_unavailable")),
        ("sts", Drop(), (502, "sts_unavailable")),
        ("sts", Garbage(), (502, "sts_unavailable")),
        ("github", Slow(30), (504, "upstream_timeout")),
        ("github", Trickle(30), (504, "upstream_timeout")),
        ("github", Fail(502), (502, "github_unavailable")),
        ("github", Drop(), (502, "github_unavailable")),
        ("github", Garbage(), (502, "github_unavailable")),
        ("github", Huge(), (502, "github_unavailable")),
    ],
)
def test_a_lasting_fault_is_named_within_the_budget_and_heals(
    service: str, fault: Fault, wanted: tuple[int, str], world: World, start_mint: StartMint
) -> None:
    process = warm(start_mint, world, **HASTE)
    broken = getattr(world, service)
    broken.faults.add(fault)
    started = monotonic()
    assert outcome(process.url, world) == wanted
    assert monotonic() - started < BUDGET_SECONDS + 1
    broken.faults.clear()
    assert outcome(process.url, world) == MINTED


@pytest.mark.parametrize(
    ("variable", "wanted"),
    [
        ("STS_URL", (502, "sts_unavailable")),
        ("GITHUB_API_URL", (504, "upstream_timeout")),
        ("SECRET_MANAGER_URL", (502, "key_unavailable")),
    ],
)
def test_a_head_that_drips_line_by_line_is_cut_at_the_budget(
    variable: str, wanted: tuple[int, str], world: World, start_mint: StartMint
) -> None:
    dripping = [b"HTTP/1.1 200 OK\r\n", *(piece for _ in range(100) for piece in (b"X: y\r\n", 0.2))]
    with Peer(lambda _number: dripping) as peer:
        process = start_mint(**HASTE, **{variable: peer.url})
        started = monotonic()
        assert outcome(process.url, world) == wanted
        assert monotonic() - started < BUDGET_SECONDS + 1


def test_secret_manager_down_after_a_mint_is_not_missed(world: World, start_mint: StartMint) -> None:
    process = warm(start_mint, world)
    world.secret_manager.faults.add(Fail(503))
    assert outcome(process.url, world) == MINTED


def test_secret_manager_down_before_the_first_mint_heals_by_itself(world: World, start_mint: StartMint) -> None:
    world.secret_manager.faults.add(Drop())
    process = start_mint(**HASTE)
    assert outcome(process.url, world) == (502, "key_unavailable")
    world.secret_manager.faults.clear()
    assert until_minted(process.url, world) == MINTED


def until_minted(url: str, world: World) -> tuple[int, str]:
    """Ask until it mints, for five seconds at most, and return the last answer."""
    ends = monotonic() + 5
    last = outcome(url, world)
    while last != MINTED and monotonic() < ends:
        last = outcome(url, world)
    return last


def test_a_rotated_app_key_needs_no_restart(world: World, start_mint: StartMint) -> None:
    process = warm(start_mint, world)
    pem = world.github.rotate_key(world.apps["coder"])
    world.secret_manager.add_version(names.secret_name("coder"), pem)
    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(lambda _: outcome(process.url, world), range(16))) == {MINTED}


def test_a_key_revoked_and_not_replaced_is_the_operators_to_fix(world: World, start_mint: StartMint) -> None:
    process = warm(start_mint, world)
    world.github.rotate_key(world.apps["coder"])
    assert outcome(process.url, world) == (500, "invalid_role_key")


def test_an_app_installed_again_is_found_again(world: World, start_mint: StartMint) -> None:
    process = warm(start_mint, world)
    world.github.reinstall(world.installations["coder", names.ORG])
    assert outcome(process.url, world) == MINTED


def test_a_suspended_installation_is_named_and_mints_again_when_it_is_back(
    world: World, start_mint: StartMint
) -> None:
    process = warm(start_mint, world)
    installation = world.installations["coder", names.ORG]
    world.github.suspend(installation)
    assert outcome(process.url, world) == (422, "installation_suspended")
    world.github.unsuspend(installation)
    assert outcome(process.url, world) == MINTED


def corrections(process: MintProcess) -> list[str]:
    return [line for line in process.logs() if "this machine's clock is" in line]


@pytest.mark.parametrize("minutes", [5, -5])
def test_a_machine_whose_clock_is_minutes_off_still_mints(
    minutes: int, world: World, start_mint: StartMint
) -> None:
    for service in world.services():
        service.clock.offset = minutes * 60
    process = start_mint()
    assert outcome(process.url, world) == MINTED
    process.stop()
    side = "behind" if minutes > 0 else "ahead of"
    (line,) = corrections(process)
    assert re.search(rf"this machine's clock is (299|300|301) s {side} the issuer's", line)


@pytest.mark.parametrize("minutes", [5, -5])
def test_a_clock_that_goes_off_while_it_runs_is_corrected_by_githubs(
    minutes: int, world: World, start_mint: StartMint
) -> None:
    process = start_mint()
    world.github.clock.offset = minutes * 60
    assert outcome(process.url, world) == MINTED
    process.stop()
    # For a GitHub with a clock ahead, our JWT only looks older and is valid for four more minutes.
    assert len(corrections(process)) == (1 if minutes < 0 else 0)


def test_five_hundred_clients_at_once_all_get_their_token(world: World, start_mint: StartMint) -> None:
    process = warm(start_mint, world, THREADS="80")
    with ThreadPoolExecutor(500) as pool:
        outcomes = list(pool.map(lambda _: outcome(process.url, world), range(500)))
    assert outcomes == [MINTED] * 500


def test_sigterm_in_the_middle_of_fifty_requests_lets_each_have_its_answer(
    world: World, start_mint: StartMint
) -> None:
    process = warm(start_mint, world, THREADS="80")
    world.github.faults.add(Slow(1))
    together = Barrier(51)

    def ask(_: int) -> tuple[int, str]:
        together.wait(10)
        return outcome(process.url, world)

    with ThreadPoolExecutor(50) as pool:
        asked = [pool.submit(ask, number) for number in range(50)]
        before = world.sts.traffic.count()
        together.wait(10)
        in_the_middle(world, before + 50)
        process.send_signal(signal.SIGTERM)
        assert [one.result(30) for one in asked] == [MINTED] * 50


def in_the_middle(world: World, wanted: int) -> None:
    """Wait until STS has got all requests, before GitHub, which takes a second, can have answered any."""
    ends = monotonic() + 10
    while world.sts.traffic.count() < wanted:
        assert monotonic() < ends
