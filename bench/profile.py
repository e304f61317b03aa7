"""Sample where the mint's CPU time goes, in a separate pass, because sampling slows the mint.

py-spy samples the serving process from outside and counts whichever thread holds the interpreter's lock. It does
not stop the process, because a stopped thread is usually in a system call, which would make those look expensive.
So some stacks are incomplete; those that fit no step are left out and counted. Work without the lock (the kernel's
part of sending and receiving) is not sampled, but the CPU figures include it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.measure import tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.stage import Stage

_RATE = 200
_CLIENTS = 32
_SECONDS_PER_ROUND = 7
_TOP = 25

# A sample belongs to the first of these functions that is anywhere on its stack.
_STEPS = (
    ("STS exchange", "HostedVerifier.confirm"),
    ("claims and signature", "HostedVerifier.check_locally"),
    ("GitHub: create the token", "GitHubTokens.issue"),
    ("audit event", "StructuredAudit.record"),
    ("policy and the rest of the service", "MintService."),
    ("HTTP edge: fields, ids, JSON", "Endpoint.__call__"),
    ("functions framework", "functions_framework/__init__.py"),
    ("functions framework and Flask around it", "Flask.__call__"),
    ("gunicorn: request, answer, threads", "gunicorn/"),
    ("threads waking up", "threading.py"),
)


def take(stage: Stage) -> dict[str, Any]:
    """Return shares (0 to 1) by step, by library and by function; ``{"missing": why}`` where py-spy cannot."""
    stage.say("profile")
    program = Path(sys.executable).with_name("py-spy")
    if not program.exists():
        return {"missing": "py-spy is not installed (make setup installs it)"}
    seconds = _SECONDS_PER_ROUND * stage.effort.rounds
    with tempfile.TemporaryDirectory() as folder, stage.server("mint") as server:
        stage.warm([server])
        output = Path(folder) / "stacks"
        command = [str(program), "record", "--gil", "--nonblocking", "--format", "raw", "--rate", str(_RATE)]
        command += ["--duration", str(seconds), "--output", str(output), "--pid", str(tree(server.pid)[-1])]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as watcher:
            stage.load(server, _CLIENTS, seconds=seconds + 1)
            try:
                _, said = watcher.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                watcher.kill()
                return {"missing": "py-spy did not end"}
        if watcher.returncode or not output.exists():
            return {"missing": f"py-spy could not read the process: {said.strip()[:300]}"}
        return summary(output.read_text())


def summary(stacks: str) -> dict[str, Any]:
    """Return the shares in py-spy's raw stacks, one line each: frames from the root, then a count."""
    samples = []
    for line in stacks.splitlines():
        frames, _, count = line.rpartition(" ")
        samples.append((frames.split(";"), int(count)))
    seen = sum(count for _, count in samples)
    samples = [(frames, count) for frames, count in samples if _step(frames)]
    whole = sum(count for _, count in samples)
    return {
        "samples": whole,
        "torn": seen - whole,
        "steps": _shares(samples, _step),
        "libraries": _shares(samples, lambda frames: _library(frames[-1])),
        "functions": dict(list(_shares(samples, lambda frames: _function(frames[-1])).items())[:_TOP]),
    }


def _shares(samples: list[tuple[list[str], int]], name: Callable[[list[str]], str]) -> dict[str, float]:
    counted: Counter[str] = Counter()
    for frames, count in samples:
        counted[name(frames)] += count
    return {what: count / counted.total() for what, count in counted.most_common()}


def _step(frames: list[str]) -> str:
    """Return the step a stack belongs to, empty for one that cannot be whole."""
    return next((step for step, mark in _STEPS if any(mark in frame for frame in frames)), "")


def _library(frame: str) -> str:
    """Return the package of a frame like ``Flask.wsgi_app (flask/app.py:1511)``; a bare file is Python's own."""
    path = frame.rpartition("(")[2].rpartition(":")[0]
    folder, slash, _ = path.partition("/")
    if folder in {"http", "email", "json", "concurrent", "importlib", "urllib"} or not slash:
        return f"python: {path.removesuffix('.py').replace('/', '.')}"
    return "google-auth" if folder in {"auth", "oauth2"} else folder


def _function(frame: str) -> str:
    return frame.rpartition(":")[0] + ")"
