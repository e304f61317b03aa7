from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import ctypes
from fullsend.cli.mint.own_memory import close_own_memory

libc = ctypes.CDLL(None)
before = libc.prctl(3, 0, 0, 0, 0)
print(before, close_own_memory(), libc.prctl(3, 0, 0, 0, 0))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prctl(2) is Linux's")
def test_the_process_is_no_longer_dumpable() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "1 True 0\n"
