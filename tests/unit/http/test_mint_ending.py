"""A serving process ends without a crash while a thread of its is inside cryptography."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from mintcore.http.ending import end_worker
from mintcore.http.limits import edge_settings

# A thread runs code that cryptography has called, and the interpreter takes half a second to end. Without both, one
# end of some hundred would meet a thread there.
BUSY = """
import atexit, sys, threading, time
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat
from mintcore.http.ending import end_worker

class Slow:
    def __del__(self, sleep=time.sleep):
        sleep(0.5)

class Called:
    @property
    def __class__(self):
        started.set()
        while True:
            time.sleep(0.001)

def work():
    ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, Called())

slow, started = Slow(), threading.Event()
atexit.register(print, "registered for the end")
threading.Thread(target=work, daemon=True).start()
started.wait()
"""
ENDING = """
try:
    sys.exit({status})
finally:
    end_worker(None, None)
"""


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(("status", "wanted"), [("0", 0), ("3", 3), ("None", 0), ("'text'", 1)])
def test_a_worker_ends_with_its_status_while_a_thread_is_inside_cryptography(status: str, wanted: int) -> None:
    done = run(BUSY + ENDING.format(status=status))
    assert (done.returncode, done.stdout, done.stderr) == (wanted, "registered for the end\n", "")


def test_a_failure_is_not_a_clean_end() -> None:
    done = run("from mintcore.http.ending import end_worker\ntry:\n    1 / 0\nfinally:\n    end_worker(None, None)")
    assert done.returncode == 1


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="from 3.14 on such a thread is left alone")
def test_the_interpreters_own_end_would_crash() -> None:
    assert run(BUSY).returncode in {-signal.SIGABRT, -signal.SIGSEGV}


def test_both_forms_of_the_mint_end_so() -> None:
    assert edge_settings()["worker_exit"] is end_worker
