"""Any JSON in GitHub's lists is read or refused."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fullsend.github.answers import UnreadableError, page, text
from fullsend.github.slots import Kind
from mintcore.errors import GitHubUnavailable
from mintcore.github.installed_accounts import _installations, _login
from mintcore.outbound.answer import Answer

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "value", "updated_at", "visibility", "variables", "account", "login"]), inner
        )
    ),
    max_leaves=8,
)


@given(listed=JSON, total=JSON, kind=st.sampled_from(Kind))
def test_a_list_is_read_or_refused(listed: Any, total: Any, kind: Kind) -> None:
    try:
        found = page({f"{kind}s": listed, "total_count": total}, "acme", kind)
    except UnreadableError:
        return
    assert {slot.name for slot in found.entries} == {each["name"] for each in listed}
    assert all(isinstance(kept.value, str) is (kind is Kind.VARIABLE) for kept in found.entries.values())


@given(JSON)
def test_a_field_is_a_string_or_refused(data: Any) -> None:
    try:
        assert text(data, "name") == data["name"]
    except UnreadableError:
        assert not isinstance(data, dict) or not isinstance(data.get("name"), str)


@given(JSON | st.lists(st.fixed_dictionaries({"account": JSON}), max_size=3))
def test_a_page_of_installations_is_read_or_refused(data: Any) -> None:
    try:
        listed = _installations(Answer(200, {}, json.dumps(data).encode()))
    except GitHubUnavailable:
        assert not isinstance(data, list) or not all(isinstance(one, dict) for one in data)
        return
    assert all(login == "" or one["account"]["login"] == login for one in listed for login in [_login(one)])


@given(st.binary(max_size=40))
def test_bytes_other_than_a_page_of_installations_are_refused(body: bytes) -> None:
    with suppress(GitHubUnavailable):
        assert isinstance(_installations(Answer(200, {}, body)), list)
