"""For any role name, the key file is a direct child of the directory or does not exist."""

from __future__ import annotations

import io
from pathlib import PurePosixPath

from hypothesis import given
from hypothesis import strategies as st

from mintcore.errors import RoleKeyMissing
from mintcore.keys.directory import DirectoryKeys
from mintcore.observe.log import JsonLog
from mintcore.policy.names import Role

NAMES = st.text() | st.text(alphabet="abz09-_./\\\0~ ") | st.from_regex(r"[a-z][a-z0-9_-]{0,70}", fullmatch=True)


@given(NAMES)
def test_a_key_file_is_a_direct_child_of_the_directory(name: str) -> None:
    try:
        path = DirectoryKeys("/pems", JsonLog(io.StringIO())).path(Role(name))
    except RoleKeyMissing:
        return
    assert PurePosixPath(path).parent == PurePosixPath("/pems")
    assert PurePosixPath(path).name == f"{name}.pem"
    assert "\0" not in path
