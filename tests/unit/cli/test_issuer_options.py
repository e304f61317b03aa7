"""The options of `fullsend mint issuer`: entries by their parts and in JSON, and what is refused before a call."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from fullsend.cli.mint.issuer.add import add
from fullsend.cli.mint.issuer.entry_options import in_json, one_entry
from fullsend.cli.mint.issuer.remove import remove
from fullsend.cli.output import BadUsage

if TYPE_CHECKING:
    from pathlib import Path

MATCH = {"project_id": "4711"}
PARTS = ("--match", "project_id=4711", "--as", "acme/app", "--role", "coder")


def refused(*words: str, **environment: str) -> str:
    """Run `issuer add`, which must end as wrong usage without a call; return what it says."""
    # No server listens there, so a call would end with another exit status.
    nowhere = {"CLOUDSDK_API_ENDPOINT_OVERRIDES_SERVICEUSAGE": "http://127.0.0.1:9/"}
    result = CliRunner().invoke(add, [*words, "--project", "my-project"], env=nowhere | environment)
    assert result.exit_code == 2, result.output
    return result.output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("gitlab", "--match", "project_id=1"), "--as is missing"),
        (("gitlab", "--level", "read"), "--match and --as are missing"),
        (("gitlab", *PARTS, "--match", "ref"), "'ref' is not CLAIM=VALUE"),
        (("gitlab", *PARTS, "--match", "=x"), "'=x' is not CLAIM=VALUE"),
        (("gitlab", *PARTS, "--match", "ref="), "'ref=' is not CLAIM=VALUE"),
        (("gitlab", *PARTS, "--match", "project_id=12"), "The claim project_id has two values"),
        (("gitlab", "--caller", "{"), "--caller is not JSON"),
        (("gitlab", "--caller", "[]"), "An entry of --caller is not a JSON object"),
        (("gitlab", "--callers", "/no/such/file"), "/no/such/file cannot be read"),
        (("gitlab", "--replace"), "--replace needs at least one entry"),
        (("gitlab", *PARTS, "--level", "read", "--no-level"), "--level and --no-level exclude each other"),
        (("gitlab", "--audience", ""), "--audience is empty"),
        (("gitlab", "--no-level"), "--no-level needs an entry"),
        (("gitlab", "--jwks-file", "a", "--no-jwks-file"), "exclude each other"),
        (("gitlab", "--jwks-file", "/no/such/file"), "/no/such/file cannot be read"),
        (("git--lab", *PARTS), "is not an issuer's name"),
        (("-x", *PARTS), "No such option"),
        (("github", "--kind", "github"), "Fix: For a second GitHub, run a second mint"),
        (("x", "--kind", "jenkins"), "is not one of"),
    ],
)
def test_wrong_usage_is_named_before_any_call(words: tuple[str, ...], says: str) -> None:
    assert says in refused(*words)


@pytest.mark.parametrize("content", ["{}", '"x"', "[1]", "[", "\ufeff", "[" * 100_000])
def test_a_file_that_is_not_a_list_of_entries_is_refused(content: str, tmp_path: Path) -> None:
    file = tmp_path / "callers.json"
    file.write_text(content)
    with pytest.raises(BadUsage, match=r"not JSON|not a JSON"):
        in_json((), file)


def test_the_first_equals_sign_ends_the_claim() -> None:
    result = CliRunner().invoke(remove, ["x", "--match", "environment=a=b", "--match", "ref"])
    assert "'ref' is not CLAIM=VALUE" in result.output


def test_the_parts_make_the_entry_that_json_would() -> None:
    entry = {"match": MATCH, "as": "acme/app", "roles": ["coder", "fix"], "level": "read"}
    assert one_entry(MATCH, "acme/app", ["coder", "fix"], "read") == [entry] == in_json([json.dumps(entry)], None)
    assert one_entry({}, "", [], "") == []


VALUES = st.recursive(
    st.none() | st.booleans() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(VALUES)
def test_any_json_is_an_object_or_refused(value: Any) -> None:
    try:
        assert in_json([json.dumps(value)], None) == [value]
    except BadUsage:
        assert not isinstance(value, dict)
