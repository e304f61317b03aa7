"""`docs/errors.md` has every code there is, with the status and the remedy that the code has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fullsend.client.remedies import CLIENT_CODES, REMEDIES
from mintcore.errors import MintError

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "errors.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", PAGE, flags=re.DOTALL | re.MULTILINE))


def errors(kind: type[MintError] = MintError) -> Iterator[type[MintError]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from errors(narrower)


STATUS = {kind.code: kind.status for kind in errors() if "code" in vars(kind)}


def one_line(text: str) -> str:
    return " ".join(text.split())


def test_the_page_has_a_section_for_every_code_and_no_other() -> None:
    assert set(SECTIONS) == set(STATUS) | CLIENT_CODES


def test_the_client_has_a_remedy_for_every_code_of_the_mint() -> None:
    assert set(REMEDIES) == set(STATUS) | CLIENT_CODES


def test_a_code_is_the_mints_or_the_clients_never_both() -> None:
    assert not CLIENT_CODES & set(STATUS)


@pytest.mark.parametrize("code", sorted(SECTIONS))
def test_a_section_says_the_cause_and_the_remedy_that_the_client_prints(code: str) -> None:
    cause, _, remedy = SECTIONS[code].partition("**Remedy.**")
    assert cause.strip().startswith("**Cause.** ")
    assert one_line(remedy) == one_line(REMEDIES[code])


@pytest.mark.parametrize("code", sorted(STATUS))
def test_a_section_says_the_status(code: str) -> None:
    assert f"HTTP {STATUS[code]}." in SECTIONS[code]
