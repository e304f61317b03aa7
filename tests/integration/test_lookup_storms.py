"""Storms of genuine requests that are denied, against a GitHub that fails: what they cost, in both modes."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from fullsend_sandbox.faults import Fail, Slow
from tests.contract.exchange import send
from tests.contract.modes import MODES, new_mint
from tests.contract.rows_jobs import CALLERS
from tests.contract.table import Sent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fullsend_sandbox.process import MintProcess
    from fullsend_sandbox.world import World

FAILURES: dict[str, tuple[Any, tuple[int, str]]] = {
    "down": (Fail(500, "{}"), (502, "github_unavailable")),
    "page": (Fail(404, "<html>not here</html>"), (502, "github_unavailable")),
    "garbled": (Fail(200, "<html>welcome</html>"), (502, "github_unavailable")),
    "listed": (Fail(403, '{"message": "IP allow list"}'), (422, "github_refused")),
    "limited": (Fail(429, '{"message": "slow down"}', {"Retry-After": "7"}), (503, "github_rate_limited")),
    "slow": (Slow(9), (504, "upstream_timeout")),
}
EACH = 16


class Storm:
    """A mint, and a crowd that asks it."""

    def __init__(self, mint: MintProcess, world: World) -> None:
        self.mint = mint
        self.world = world

    def ask(self, repo: str, *, job: str = "octo-org/app", status: bool = False) -> tuple[int, str, str]:
        """Return the status, the code (or of the rules, each that is open or failed), and `Retry-After`."""
        token = self.world.issuer.token(self.world.job(repository=job))
        if status:
            path = f"/v1/status?role=coder&repos={repo}&target_org=other-org"
            got = send(self.mint.url, Sent(token, b"", method="GET", path=path))
        else:
            got = send(self.mint.url, Sent(token, {"role": "coder", "repos": [repo], "target_org": "other-org"}))
        return got.status, got.json.get("code", ""), got.headers.get("Retry-After", "")

    def tokens_for(self, repo: str) -> int:
        """Return how many tokens GitHub was asked for that read this repository only."""
        asked = self.world.github.traffic.matching(path_prefix="/app/installations/", method="POST")
        return sum(json.loads(each.body).get("repositories") == [repo] for each in asked)


@pytest.fixture(params=MODES)
def storm(request: pytest.FixtureRequest, world: World, tmp_path: Path) -> Iterator[Storm]:
    world.let_apps_read_variables()
    for name in FAILURES:
        world.github.create_repo(f"other-org/{name}")
    changes = {"GRANTS": "1", "REPO_SCOPE": "caller", "REQUEST_DEADLINE_SECONDS": "3"}
    with new_mint(request.param, world, tmp_path, **changes) as mint:
        yield Storm(mint, world)


def test_a_look_up_that_fails_is_made_once_for_all_jobs_of_an_organization(storm: Storm) -> None:
    """Also with other repositories, other tokens, at the same time, and through `/v1/status`."""
    for name, (fault, _) in FAILURES.items():
        storm.world.github.faults.add(fault, f"/repos/other-org/{name}/actions")
    asked = [
        (name, f"octo-org/{'app' if number % 2 else 'docs'}", number % 3 == 0)
        for number in range(EACH)
        for name in FAILURES
    ]
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda one: storm.ask(one[0], job=one[1], status=one[2]), asked))
    assert {name: storm.tokens_for(name) for name in FAILURES} == dict.fromkeys(FAILURES, 1)
    slow = FAILURES["slow"][1]  # on a busy machine
    for (name, _, _), (status, code, _) in zip(asked, answers, strict=True):
        assert (status, code) in {FAILURES[name][1], slow}
    for name in FAILURES:
        status, code, wait = storm.ask(name)
        assert (status, code) in {FAILURES[name][1], slow}
        assert wait.isdigit() is (status != 422)
        assert not wait or 0 < int(wait) <= 60


def test_targets_without_a_grant_are_looked_up_few_times(storm: Storm) -> None:
    storm.ask("down")
    storm.world.github.traffic.clear()
    repos = [f"nothing-{number}" for number in range(60)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda repo: storm.ask(repo)[:2], repos))
    assert set(answers) == {(403, "target_not_granted"), (503, "github_rate_limited")}
    made = storm.world.github.traffic.count(path_prefix="/app/installations/")
    # Those in flight do not count yet.
    assert 30 - 1 <= made <= 30 - 1 + 4


@pytest.mark.parametrize("mode", MODES)
def test_status_looks_the_ids_of_a_job_up_once_a_minute(mode: str, world: World, tmp_path: Path) -> None:
    gitlab = world.ci.add("gitlab")
    changes = {
        "ISSUERS": json.dumps({"gitlab": {"kind": "gitlab", "url": gitlab.issuer}}),
        "CALLERS": json.dumps([CALLERS[0]]),
        "ENROLLED_IDS": '{"octo-org/app": 1}',
    }
    with new_mint(mode, world, tmp_path, **changes) as mint:

        def ask_often(role: str) -> set[int]:
            asked = Sent(gitlab.token(), b"", method="GET", path=f"/v1/status?role={role}")
            with ThreadPoolExecutor(8) as pool:
                return {got.status for got in pool.map(lambda _: send(mint.url, asked), range(24))}

        made = world.github.traffic
        assert ask_often("triage") == {200}
        assert made.count(path_prefix="/app/installations/") == 1
        made.clear()
        world.github.faults.add(Fail(500, "{}"), "/app/installations/")
        assert ask_often("coder") == {502}
        # One look-up: a call that meets a 5xx is repeated twice.
        assert made.count(path_prefix="/app/installations/") == 3
