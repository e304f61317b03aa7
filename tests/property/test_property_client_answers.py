"""Any answer of a mint is parsed or refused, and never forges a line of output."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullsend.client.types import parse_status, parse_token
from fullsend.net.answer import one_line

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
GOOD = {
    "token": "ghs_x",
    "expires_at": "2026-01-01T00:00:00Z",
    "granted_repos": ["octo-org/app"],
    "granted_permissions": {"contents": "read"},
    "repository_selection": "selected",
    "warnings": ["The field 'repo' is ignored."],
}


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_parsed_or_refused_with_a_value_error(body: bytes) -> None:
    with contextlib.suppress(ValueError):
        parse_token(body, "https://m.example")
    with contextlib.suppress(ValueError):
        parse_status(body, "https://m.example")


@given(field=st.sampled_from(sorted(GOOD)), value=JSON)
def test_one_odd_field_is_refused_or_harmless_on_one_line(field: str, value: object) -> None:
    try:
        minted = parse_token(json.dumps(GOOD | {field: value}).encode(), "https://m.example")
    except ValueError:
        return
    printed = [
        minted.token,
        minted.expires_at,
        *minted.granted_repos,
        minted.repository_selection,
        *minted.warnings,
    ]
    assert all(text.isprintable() for text in printed)


@pytest.mark.parametrize(
    "token", ["", "ghs_x\n::add-path::/evil", "ghs_x y", "ghs_\u2028x", "ghs_x\n", None, 7, ["ghs_x"]]
)
def test_a_token_that_could_write_a_second_line_is_refused(token: object) -> None:
    with pytest.raises(ValueError, match="no usable token"):
        parse_token(json.dumps(GOOD | {"token": token}).encode(), "https://m.example")


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(ValueError, match=r"deep|JSON"):
        parse_token(b"[" * 100_000, "https://m.example")


@given(st.text(max_size=3000))
def test_text_from_outside_becomes_one_bounded_line(text: str) -> None:
    line = one_line(text)
    assert line.isprintable()
    assert len(line) <= 1000
