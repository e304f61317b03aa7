"""Share the world on loopback and a mint process between the tests that need them.

One world and one mint live as long as the test session (of one worker); `world` hands the world out as
new: same ports, keys and ids, everything else made again. So `hosted_mint` stays valid; what it has cached
stays cached, and a test for which that matters starts a mint of its own with `start_mint`.
"""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import hypothesis
import pytest

from fullsend_sandbox.keys import KeyPool
from fullsend_sandbox.world import World
from tests.audited_mint import ForkedMint
from tests.fork.client import fork_server

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from fullsend_sandbox.process import MintProcess

ROOT = Path(__file__).resolve().parents[1]

# No deadline, because an example's time depends on the machine's load. CI runs the same examples each time, so a
# change never fails by chance. `make test-long` passes --hypothesis-profile=thorough.
PROFILES = {"quick": 50, "thorough": 500}
for profile, examples in PROFILES.items():
    hypothesis.settings.register_profile(
        profile,
        max_examples=examples,
        derandomize=profile == "quick" and bool(os.environ.get("CI")),
        deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
# Tests import this module once more, under another name; the option's profile stays.
if hypothesis.settings.get_current_profile_name() not in PROFILES:
    hypothesis.settings.load_profile("quick")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Collect garbage between tests: a finalizer that runs inside a deep recursion fails its test."""
    if item.get_closest_marker("long") is None:
        gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _the_fork_server_ends() -> Iterator[None]:
    yield
    if fork_server.cache_info().currsize:
        with fork_server():
            pass


class StartMint(Protocol):
    def __call__(self, **changes: str) -> MintProcess: ...


@pytest.fixture(scope="session")
def rsa_keys() -> Iterator[KeyPool]:
    """Give RSA keys for worlds that live one after the other."""
    pool = KeyPool()
    yield pool
    pool.close()


@pytest.fixture(scope="session")
def shared_world(rsa_keys: KeyPool) -> Iterator[World]:
    """Run one world for the session; ask for `world` instead."""
    with World(keys=rsa_keys) as running:
        yield running


@pytest.fixture
def world(shared_world: World) -> World:
    """Return the session's world in its initial state."""
    shared_world.reset()
    return shared_world


@pytest.fixture(scope="session")
def hosted_mint(shared_world: World) -> Iterator[MintProcess]:
    """Run the real function in the session's world."""
    shared_world.reset()  # undo the last test's faults
    with ForkedMint(shared_world.mint_environment(), source=ROOT) as running:
        yield running


@pytest.fixture
def started_mints() -> Iterator[list[MintProcess]]:
    """Give the list of the mints that a test starts; they end with it."""
    started: list[MintProcess] = []
    yield started
    for mint in started:
        if mint.returncode is None:
            mint.kill()


@pytest.fixture
def start_mint(world: World, started_mints: list[MintProcess]) -> StartMint:
    """Start a hosted mint for one test, with changes to its environment."""

    def start(**changes: str) -> MintProcess:
        started_mints.append(ForkedMint(world.mint_environment(**changes), source=ROOT))
        return started_mints[-1].start()

    return start
