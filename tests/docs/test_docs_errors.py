"""Each error code is declared once: the tree, the page, the hints and the client follow the tables."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fullsend.client.ask_mints import PERMANENT
from fullsend.client.remedies import ACTION_HINTS, CLIENT_CODES, CLIENT_TABLE, REMEDIES
from mintcore.errors import MintError, ServerError
from mintcore.errors.table import TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
ROWS = {**TABLE, **CLIENT_TABLE}
RETRIED = {429, 502, 503, 504}


def errors(kind: type[MintError] = MintError) -> Iterator[type[MintError]]:
    if "code" in vars(kind):
        yield kind
    for narrower in kind.__subclasses__():
        yield from errors(narrower)


CLASSES = {kind.code: kind for kind in errors()}


def test_the_generated_files_are_up_to_date() -> None:
    checked = subprocess.run(
        [sys.executable, "scripts/docs/errors.py", "--check"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr


def test_the_table_lists_every_code_of_the_tree() -> None:
    assert set(CLASSES) == set(TABLE)


@pytest.mark.parametrize("code", sorted(CLASSES))
def test_a_code_is_declared_by_one_class_which_inherits_no_text(code: str) -> None:
    assert [kind.__name__ for kind in errors() if kind.code == code] == [CLASSES[code].__name__]
    assert {"status", "sentence", "cause", "caller_fix"} <= set(vars(CLASSES[code]))


def test_a_code_is_the_mints_or_the_clients_never_both() -> None:
    assert not CLIENT_CODES & set(TABLE)


def test_every_code_has_a_section() -> None:
    # gunicorn's refusals have no class: mintcore/http/malformed.py answers them.
    assert set(re.findall(r"^### (\w+)$", PAGE, flags=re.MULTILINE)) == set(TABLE) | CLIENT_CODES | {"bad_request"}


@pytest.mark.parametrize("code", sorted(ROWS))
def test_the_section_of_each_code_says_whether_the_clients_retry(code: str) -> None:
    first = PAGE.partition(f"### {code}\n\n")[2].partition(". ")[0].replace("\n", " ")
    assert first.endswith(", retry" if ROWS[code].retry else ", do not retry")


@pytest.mark.parametrize("code", sorted(TABLE))
def test_the_table_says_retry_where_the_status_does(code: str) -> None:
    assert TABLE[code].retry is (TABLE[code].status in RETRIED)


def test_the_codes_that_the_client_never_retries_are_the_operators() -> None:
    assert {kind.code for kind in errors(ServerError)} == PERMANENT


@pytest.mark.parametrize("code", sorted(ROWS))
def test_every_text_is_whole_sentences(code: str) -> None:
    row = ROWS[code]
    texts = [row.sentence, row.cause, row.caller_fix, row.operator_fix, row.action_fix]
    assert [text for text in texts if text and not text.endswith((".", "`"))] == []
    assert row.cause
    assert row.caller_fix
    assert bool(row.sentence) is (code in TABLE)


@pytest.mark.parametrize("code", sorted(ACTION_HINTS))
def test_the_action_advises_only_what_a_workflow_can_do(code: str) -> None:
    """It has inputs, not options, and it never reads the mint's URL from a variable by itself."""
    assert not re.search(r"--(mint-url|audience)|MintClient", ACTION_HINTS[code])


def test_the_client_knows_a_remedy_for_every_code() -> None:
    assert set(REMEDIES) == set(TABLE) | CLIENT_CODES
