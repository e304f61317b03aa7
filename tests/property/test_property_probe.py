"""Any file is a list of expectations or a ValueError."""

from __future__ import annotations

import contextlib
import json

import yaml
from hypothesis import given
from hypothesis import strategies as st

from fullsend.client.expectations import compare, read_expectations
from fullsend.net.answer import Answer

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["job", "none", "token_spent"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "request", "expect", "bearer", "status", "code", "x"]), inner)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_any_yaml_is_a_list_of_expectations_or_a_value_error(value: object) -> None:
    try:
        found = read_expectations(yaml.safe_dump(value))
    except ValueError:
        return
    assert found
    assert all(entry.name.isprintable() or entry.name == "" for entry in found)


@given(st.text())
def test_any_text_is_a_list_of_expectations_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert read_expectations(text)


@given(st.binary(), st.integers(100, 599))
def test_any_answer_is_compared(body: bytes, status: int) -> None:
    expectation = read_expectations("[{name: a, request: {role: x}, expect: {code: token_spent}}]")[0]
    outcome = compare(expectation, Answer(status, {}, body))
    assert outcome.problems
    assert outcome.token == ""


@given(VALUES, VALUES)
def test_any_grant_is_compared_with_any_expectation(wanted: object, granted: object) -> None:
    expect = {"granted_repos": wanted, "granted_permissions": wanted}
    (entry,) = read_expectations(yaml.safe_dump([{"name": "a", "request": {"role": "x"}, "expect": expect}]))
    answered = {"granted_repos": granted, "granted_permissions": granted}
    outcome = compare(entry, Answer(200, {}, json.dumps(answered).encode()))
    assert all(problem.isprintable() for problem in outcome.problems)
