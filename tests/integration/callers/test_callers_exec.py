"""`fullsend mint exec`: the command gets a token, which is revoked when the command ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.integration.callers.job_commands import FULLSEND, Run, script

if TYPE_CHECKING:
    from fullsend_sandbox.world import World


def test_exec_gives_the_command_a_token_and_revokes_it(world: World, mint: Run) -> None:
    done = mint(*script('printf %s "$GH_TOKEN"'))
    assert done.stdout.startswith("ghs_")
    assert world.github.live_tokens() == []


def test_exec_revokes_a_token_so_fresh_that_github_does_not_know_it_yet(world: World, mint: Run) -> None:
    world.github.not_usable_for(1)
    mint(*script("true"))
    assert world.github.live_tokens() == []


def test_exec_returns_the_commands_status_and_revokes_after_a_failure(world: World, mint: Run) -> None:
    assert mint(*script("exit 7")).returncode == 7
    assert world.github.live_tokens() == []


def test_exec_returns_128_and_the_signal_that_killed_the_command(mint: Run) -> None:
    assert mint(*script("kill -KILL $$")).returncode == 128 + signal.SIGKILL


def test_exec_keeps_the_way_to_oidc_tokens_from_the_command(mint: Run) -> None:
    assert "ACTIONS_ID_TOKEN_REQUEST" not in mint(*script("env")).stdout


# Root may read every process's memory with one of these capabilities: CAP_SYS_PTRACE, CAP_SYS_ADMIN, CAP_PERFMON.
# Without them, also root gets only what a process opens to its own user.
AS_ANY_USER = """
import ctypes, os, sys
for capability in (19, 21, 38):
    ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


READS_ITS_PARENT = """
import ctypes, os
try:
    print("ACTIONS_ID_TOKEN_REQUEST_TOKEN" in open(f"/proc/{os.getppid()}/environ").read())
except PermissionError:
    print("refused")
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prctl(2) is Linux's")
def test_exec_closes_its_own_memory_to_the_command(environment: dict[str, str]) -> None:
    def run(*words: str) -> list[str]:
        command = [sys.executable, "-c", AS_ANY_USER, *words, sys.executable, "-c", READS_ITS_PARENT]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout.split()

    plain = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    # The probe itself works: another parent's memory is open to the command.
    assert run(sys.executable, "-c", plain) == ["True", "1"]
    # Our own is not, and the command is dumpable again.
    assert run(FULLSEND, "mint", "exec", "--role", "triage", "--") == ["refused", "1"]


def test_exec_puts_the_token_where_it_was_asked_to(mint: Run) -> None:
    done = mint(
        "exec", "--role", "triage", "--env", "A", "--env", "B", "--", "sh", "-c", 'echo "$A $B ${GH_TOKEN-none}"'
    )
    a, b, gh_token = done.stdout.split()
    assert (a, gh_token) == (b, "none")


def test_exec_mints_nothing_for_a_command_that_is_not_there(world: World, mint: Run) -> None:
    assert mint("exec", "--role", "triage", "--", "no-such-command").returncode == 127
    assert world.github.traffic.count(path_prefix="/app/installations") == 0


def running(environment: dict[str, str], program: str) -> subprocess.Popen[str]:
    """Start `exec` with a Python program; return once the program says that it runs. Its stdin stays open."""
    process = subprocess.Popen(
        [FULLSEND, "mint", "exec", "--role", "triage", "--", sys.executable, "-c", program],
        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_exec_hands_a_signal_on_and_revokes(
    world: World, environment: dict[str, str], number: signal.Signals
) -> None:
    # The program waits on its stdin, which stays open: only the signal ends it.
    with running(environment, WAITS) as process:
        process.send_signal(number)
        assert process.wait(timeout=30) == 128 + number
    assert world.github.live_tokens() == []


WAITS = """
import signal, sys
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
print("running", flush=True)
sys.stdin.read()
"""


EXITS_WITH_5 = """
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
print("running", flush=True)
signal.sigwait([signal.SIGTERM])
sys.exit(5)
"""


def test_exec_leaves_it_to_the_command_what_a_signal_means(world: World, environment: dict[str, str]) -> None:
    with running(environment, EXITS_WITH_5) as process:
        process.terminate()
        assert process.wait(timeout=30) == 5
    assert world.github.live_tokens() == []


def test_exec_never_puts_the_token_into_an_argument(environment: dict[str, str]) -> None:
    listing = script("ps -eo args 2>/dev/null || cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
    command = [FULLSEND, "mint", *listing]
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "fullsend mint exec" in shown
    assert "ghs_" not in shown
