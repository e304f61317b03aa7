"""Histories of commits, generated: the sandbox against git's own answers, and the mint against the sandbox."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fullsend_sandbox.github.history import Network, Refs, Relation
from fullsend_sandbox.keys import new_key
from tests.unit.github.lookup_world import HOST, MAIN, LookupWorld

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

MAX_COMMITS = 8


@st.composite
def histories(draw: st.DrawFn) -> list[list[int]]:
    """Return the parents of each commit, as numbers of older ones."""
    history: list[list[int]] = []
    for number in range(draw(st.integers(1, MAX_COMMITS))):
        older = st.integers(0, number - 1) if number else st.nothing()
        history.append(draw(st.lists(older, max_size=min(2, number), unique=True)) if number else [])
    return history


def git(folder: Path, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    environment = {
        "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a",
        "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(folder), "PATH": "/usr/local/bin:/usr/bin:/bin",
    }  # fmt: skip
    return subprocess.run(
        ["git", "-C", str(folder), *words], env=environment, capture_output=True, text=True, check=check
    )


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(history=histories(), data=st.data())
def test_two_commits_relate_as_git_says(tmp_path: Path, history: list[list[int]], data: st.DataObject) -> None:
    git(tmp_path, "init", "-q")
    tree = git(tmp_path, "hash-object", "-t", "tree", "-w", "/dev/null").stdout.strip()
    network = Network()
    real: list[str] = []
    ours: list[str] = []
    for number, parents in enumerate(history):
        flags = [word for parent in parents for word in ("-p", real[parent])]
        real.append(git(tmp_path, "commit-tree", tree, *flags, "-m", str(number)).stdout.strip())
        ours.append(network.add([ours[parent] for parent in parents], str(number), 0.0).sha)
    base, head = (data.draw(st.integers(0, len(history) - 1)) for _ in range(2))
    first, second = network.find(ours[base]), network.find(ours[head])
    assert first is not None
    assert second is not None
    comparison = Refs(network).compare(first, second)
    counted = git(tmp_path, "rev-list", "--left-right", "--count", f"{real[base]}...{real[head]}").stdout.split()
    related = git(tmp_path, "merge-base", real[base], real[head], check=False).returncode == 0
    assert (comparison is not None) == related
    if comparison is not None:
        assert [len(comparison.behind), len(comparison.ahead)] == [int(number) for number in counted]
        contained = (
            git(tmp_path, "merge-base", "--is-ancestor", real[base], real[head], check=False).returncode == 0
        )
        assert contained == (comparison.relation in {Relation.AHEAD, Relation.IDENTICAL})


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    return new_key()


def reachable(history: list[list[int]], tip: int) -> set[int]:
    """Return a commit and its ancestors, computed without the sandbox."""
    found, waiting = set(), [tip]
    while waiting:
        number = waiting.pop()
        if number not in found:
            found.add(number)
            waiting += history[number]
    return found


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(history=histories(), data=st.data())
def test_the_mint_trusts_the_commits_of_the_listed_branches_and_no_other(
    key: RSAPrivateKey, history: list[list[int]], data: st.DataObject
) -> None:
    world = LookupWorld(key)
    refs = world.github.git.fork(HOST, "forkers").refs
    shas: list[str] = []
    for number, parents in enumerate(history):
        shas.append(refs.network.add([shas[parent] for parent in parents], str(number), 0.0).sha)
    last = len(history) - 1
    tips = {name: data.draw(st.integers(0, last)) for name in ("main", "release", "draft")}
    for name, tip in tips.items():
        world.github.git.branch(HOST, name, at=shas[tip])
    trusted = reachable(history, tips["main"]) | reachable(history, tips["release"])
    with world.github:
        world.start()
        for number, sha in enumerate(shas):
            assert world.contains(sha, MAIN, "refs/heads/release") == (number in trusted)
