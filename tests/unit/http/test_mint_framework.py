"""What the functions framework starts, in a process of its own: it is replaced once per process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CODE = """
from mintcore.http.framework import framework, serve_with_edge
serve_with_edge(None, None, threads=80)
cfg = framework.GunicornApplication(None, "127.0.0.1", 0, False).cfg
print(cfg.threads, cfg.worker_class_str, cfg.limit_request_line)
"""


@pytest.mark.parametrize("given", [{}, {"THREADS": "5"}])
def test_the_server_has_the_mints_threads_and_edge_and_not_the_frameworks(given: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=ROOT, env=given, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["80", "mintcore.http.worker.ReceivingWorker", "8190"]
