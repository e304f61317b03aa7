from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import urllib3
from googleapiclient.errors import HttpError

from tests.unit.sandbox.google.google_operator import SERVICE, STAND_IN_ENVIRONMENT, Operator, source

if TYPE_CHECKING:
    from fullsend_sandbox.google.control_plane import ControlPlane

WRITERS = 8


def add_variable(control_plane: ControlPlane, name: str) -> None:
    """Read, merge and write until the write gets through, as an enrollment does."""
    writer = Operator(control_plane)
    try:
        for _ in range(100):
            body = writer.with_variable(writer.service(), name, "1")
            try:
                writer.services.patch(name=SERVICE, updateMask="template", body=body).execute()
            except HttpError as error:
                if error.status_code != 409:
                    raise
            else:
                return
        raise AssertionError("it never got through")
    finally:
        writer.close()


def test_of_many_writers_at_once_who_retry_on_conflict_none_is_lost(
    control_plane: ControlPlane, operator: Operator
) -> None:
    operator.deploy_stand_in()
    names = [f"WRITER_{number}" for number in range(WRITERS)]
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda name: add_variable(control_plane, name), names))
    control_plane.wait()
    service = operator.service()
    assert {one["name"] for one in service["template"]["containers"][0]["env"]} >= set(names)
    assert service["latestReadyRevision"] == service["latestCreatedRevision"]
    assert service["terminalCondition"]["state"] == "CONDITION_SUCCEEDED"


@pytest.mark.parametrize("writes", range(5))
def test_a_deployment_that_is_cut_off_anywhere_can_be_taken_up(
    control_plane: ControlPlane, operator: Operator, writes: int
) -> None:
    def deploy() -> None:
        operator.make_provider()
        operator.create(operator.function(source(), **STAND_IN_ENVIRONMENT))

    control_plane.fail_after(writes)
    with pytest.raises((OSError, urllib3.exceptions.HTTPError)):
        deploy()
    assert control_plane.writes == writes
    control_plane.stop_failing()
    control_plane.new_project()
    operator.make_provider()
    assert "error" not in operator.create(operator.function(source(), **STAND_IN_ENVIRONMENT))
