"""A dry run with --json: the plan as JSON on stdout, the rest on stderr."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

import pytest

from fullsend.cli.mint.operator_options import carry_out

if TYPE_CHECKING:
    from fullsend.operate.gcp.cloud import Cloud
    from fullsend.operate.plan.steps.step import Step


class Named:
    """A step that may not be applied."""

    def title(self) -> str:
        return "change something"

    def apply(self, _: object) -> None:
        raise AssertionError("a dry run applies nothing")


@pytest.mark.parametrize(("steps", "titles"), [([Named()], ["change something"]), ([], [])])
def test_a_dry_run_prints_its_plan_as_json(
    capsys: pytest.CaptureFixture[str], steps: list[Named], titles: list[str]
) -> None:
    done = carry_out(
        cast("list[Step]", steps),
        cast("Cloud", None),
        dry_run=True,
        emit=None,
        otherwise="Nothing to do.",
        as_json=True,
    )
    out, err = capsys.readouterr()
    assert not done
    assert json.loads(out) == {"dry_run": True, "steps": titles}
    assert err == ("Nothing was changed (--dry-run).\n" if steps else "Nothing to do.\n")
