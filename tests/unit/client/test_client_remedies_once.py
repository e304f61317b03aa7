"""A refusal tells one thing to do: the mint's own, or that of its code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fullsend.cli.mint.job_status import _print
from fullsend.client.errors import MintClientError
from fullsend.client.mint_request import MintRequest
from fullsend.client.types import MintStatus

if TYPE_CHECKING:
    import pytest


def test_a_sentence_with_a_fix_gets_no_second_one() -> None:
    said = "No entry of CALLERS matches this job. Fix: ask the mint's operator to add an entry."
    assert not MintClientError(said, code="claims_not_allowed").remedy
    assert "ref_protected" in MintClientError("A claim differs.", code="claims_not_allowed").remedy


def test_the_status_of_a_job_is_not_called_that_of_a_workflow(capsys: pytest.CaptureFixture[str]) -> None:
    _print(MintStatus("acme", ("triage",), workflow_allowed=True, version="1", mint_url="m"), MintRequest(""))
    assert "trusted to mint" in capsys.readouterr().out
