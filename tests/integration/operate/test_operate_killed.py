"""A command that is killed anywhere can be run again and finishes the work."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fullsend_sandbox import names
from fullsend_sandbox.faults import Slow

if TYPE_CHECKING:
    from tests.integration.operate.conftest import Operator

pytestmark = pytest.mark.long
MAX_WRITES = 16


def killed_at_step(operator: Operator, number: int, *words: str) -> None:
    """Run the command as a process and kill it as soon as it says that it begins a step."""
    program = Path(sys.executable).parent / "fullsend"
    with subprocess.Popen(
        [program, *words],
        env=operator.process_environment(),
        stderr=subprocess.PIPE,
        text=True,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith(f"[{number}/"):
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_inside_a_step_ends_the_command_and_says_what_is_done(
    operator: Operator, number: signal.Signals
) -> None:
    operator.deploy()
    operator.plane.host("run").faults.add(Slow(60), method="PATCH", times=1)
    with subprocess.Popen(
        [Path(sys.executable).parent / "fullsend", "mint", "enroll", names.OTHER_ORG],
        env=operator.process_environment(),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        while not process.stderr.readline().startswith("[2/"):
            pass
        process.send_signal(number)
        assert process.wait(timeout=30) == 128 + number
        said = process.stderr.read()
    assert "Stopped in the middle of a step; the steps before it are done." in said
    assert "Traceback" not in said


@pytest.mark.parametrize("number", [1, 4, 8, 10])
def test_a_deployment_killed_in_a_step_is_finished_by_the_next(operator: Operator, number: int) -> None:
    killed_at_step(operator, number, *operator.deploy_words())

    operator.deploy()

    assert operator.doctor().exit_code == 0, operator.doctor().output


@pytest.mark.parametrize("number", [1, 2, 3])
def test_an_enrollment_killed_in_a_step_is_finished_by_the_next(operator: Operator, number: int) -> None:
    operator.deploy()
    killed_at_step(operator, number, "mint", "enroll", names.OTHER_ORG)

    operator.done("mint", "enroll", names.OTHER_ORG)

    assert operator.doctor().exit_code == 0, operator.doctor().output


def test_a_deployment_cut_off_after_each_of_its_writes_is_finished_by_the_next(operator: Operator) -> None:
    for writes in range(1, MAX_WRITES):
        operator.plane.fail_after(writes, lose_last_answer=True)
        broken = operator.run(*operator.deploy_words())
        operator.plane.stop_failing()
        operator.plane.wait()
        operator.deploy()
        assert operator.doctor().exit_code == 0
        if broken.exit_code == 0:
            return
        assert "Run the command again" in broken.output
        operator.done("mint", "delete", "--yes")
    pytest.fail("the deployment has more writes than the test cuts off")


@pytest.mark.parametrize(
    "words",
    [
        ("enroll", names.OTHER_ORG),
        ("enroll", "octo-org/app", "--as-spelled"),
        ("unenroll", names.ORG, "--yes"),
        ("add-role", "coder", "--app-id", "{coder_id}", "--pem", "{coder_pem}"),
        ("rotate-key", "triage", "--pem", "{new_pem}"),
        ("delete", "--yes"),
    ],
    ids=lambda words: words[0],
)
def test_a_command_cut_off_after_each_of_its_writes_is_finished_by_the_next(
    operator: Operator, words: tuple[str, ...]
) -> None:
    fresh = operator.pem("fresh")
    fresh.write_bytes(operator.world.github.rotate_key(operator.world.apps["triage"], keep_old=True))
    values = {
        "coder_id": operator.world.apps["coder"].id,
        "coder_pem": operator.pem("coder"),
        "new_pem": fresh,
    }
    command = ["mint", *(word.format(**values) for word in words)]
    operator.deploy()
    for _ in range(MAX_WRITES):
        operator.plane.fail_after(1, lose_last_answer=True)
        broken = operator.run(*command)
        operator.plane.stop_failing()
        operator.plane.wait()
        if broken.exit_code == 0:
            break
    operator.done(*command)
    if words[0] == "delete":
        assert operator.state().function is None
    else:
        assert operator.doctor().exit_code == 0, operator.doctor().output
