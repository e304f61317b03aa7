"""Break random parts for a minute: no answer is wrong, and nothing is left over. Run by `make soak`."""

from __future__ import annotations

import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import pytest
import requests

from tests.audited_mint import AuditedMint
from tests.soak.callers import Tally, call_until
from tests.soak.chaos import Chaos

if TYPE_CHECKING:
    from collections.abc import Callable

    from fullsend_sandbox.world import World

ROOT = Path(__file__).resolve().parents[2]
SECONDS = float(os.environ.get("SOAK_SECONDS", "60"))
SEED = int(os.environ.get("SOAK_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
CALLERS = 16
THREADS = 40
SETTLE_SECONDS = 20.0
# What the allocator and the interpreter may take between a warm process and one that has seen everything.
MAX_GROWTH_KIB = 12 * 1024


def tree(pid: int) -> list[int]:
    """Return the process and its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(below for child in children for below in tree(int(child)))]


def pss_kib(pid: int) -> int:
    """Return the proportional set size of the tree."""
    rollups = [Path(f"/proc/{one}/smaps_rollup").read_text() for one in tree(pid)]
    return sum(int(line.split()[1]) for text in rollups for line in text.splitlines() if line.startswith("Pss:"))


def threads(pid: int) -> int:
    """Return how many threads the tree has."""
    return sum(len(list(Path(f"/proc/{one}/task").iterdir())) for one in tree(pid))


def sockets(pid: int) -> int:
    """Return how many sockets the tree holds open."""
    links = [link for one in tree(pid) for link in Path(f"/proc/{one}/fd").iterdir()]
    return sum(1 for link in links if link.is_symlink() and str(link.readlink()).startswith("socket:"))


def settles(value: Callable[[], int], most: int) -> int:
    """Return the value once it is at most ``most``, or its value when the time is up."""
    ends = monotonic() + SETTLE_SECONDS
    pause = threading.Event()
    while value() > most and monotonic() < ends:
        pause.wait(0.2)
    return value()


def minting_status(world: World, url: str) -> int:
    """Return the answer to a good caller."""
    headers = {"Authorization": f"Bearer {world.issuer.token(world.job())}"}
    return requests.post(f"{url}/v1/token", json={"role": "coder"}, headers=headers, timeout=30).status_code


def soak(world: World, url: str, seconds: float, *, broken: bool) -> tuple[Tally, Chaos]:
    """Call from many threads for some seconds, with or without the world breaking meanwhile."""
    stop, tally, chaos = threading.Event(), Tally(), Chaos(world, random.Random(SEED))
    with ThreadPoolExecutor(CALLERS + 1) as pool:
        if broken:
            pool.submit(chaos.run, stop)
        work = [pool.submit(call_until, stop, url, world, random.Random(SEED + n), tally) for n in range(CALLERS)]
        threading.Event().wait(seconds)
        stop.set()
        for one in work:
            one.result(60)
    return tally, chaos


@pytest.mark.soak
@pytest.mark.timeout(SECONDS * 3 + 120)
def test_a_minute_of_random_faults_gives_no_wrong_answer_and_leaves_nothing_behind(world: World) -> None:
    environment = world.mint_environment(REQUEST_DEADLINE_SECONDS="3", THREADS=str(THREADS))
    with AuditedMint(environment, source=ROOT) as mint:
        calm, _ = soak(world, mint.url, max(8.0, SECONDS / 6), broken=False)
        before = pss_kib(mint.pid)
        tally, chaos = soak(world, mint.url, SECONDS, broken=True)
        after = pss_kib(mint.pid)
        # Only the threads and at most one connection per thread and service may remain.
        left_threads = settles(lambda: threads(mint.pid), THREADS + 6)
        left_sockets = settles(lambda: sockets(mint.pid), 3 * THREADS + 20)
        healed = settles(lambda: minting_status(world, mint.url), 200)
        logs = mint.logs()
    print(
        f"seed {SEED}; broken: {chaos.done}; PSS {before} → {after} KiB; "
        f"{left_threads} threads, {left_sockets} sockets"
    )
    for (kind, code), count in sorted(tally.seen.items()):
        print(f"{count:7d}  {kind}: {code}")
    assert calm.wrong == []
    assert tally.wrong == []
    assert tally.seen["good", "minted"] > 0
    assert healed == 200
    assert not [line for line in logs if "internal error" in line or "Traceback" in line]
    assert left_threads <= THREADS + 6
    assert left_sockets <= 3 * THREADS + 20
    assert after - before < MAX_GROWTH_KIB
