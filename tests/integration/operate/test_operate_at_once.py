"""Many operators at once: nobody's enrolment is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fullsend.operate import conditions

if TYPE_CHECKING:
    from tests.integration.operate.conftest import Operator

TWENTY = 20


def test_twenty_enrolments_from_twenty_processes_all_end_up_in(operator: Operator) -> None:
    operator.deploy()
    logins = [f"Team-{number:02}" for number in range(TWENTY)]
    for login in logins:
        operator.world.github.create_org(login)
    program = Path(sys.executable).parent / "fullsend"

    running = [
        subprocess.Popen(
            [program, "mint", "enroll", login.lower()],
            env=operator.process_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for login in logins
    ]
    printed = [process.communicate(timeout=100)[0] for process in running]

    assert [process.returncode for process in running] == [0] * TWENTY, "\n".join(printed)
    state = operator.state()
    condition = conditions.parse(state.providers["github-oidc"].spec.condition)
    assert condition is not None
    assert condition.spelled() == {"octo-org", *logins}
    assert set(state.environment["ALLOWED_ORGS"].split(",")) == {"octo-org", *logins}
    assert state.service is not None
    assert state.service.serving == state.service.latest_ready
