"""Any text as BIND is an IP address or one problem at start."""

from __future__ import annotations

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from mintcore.settings.reader import ConfigurationError, Reader

TEXT = st.text(max_size=40) | st.ip_addresses().map(str) | st.from_regex(r"[0-9a-f:.%\[\]/]{1,40}", fullmatch=True)


@given(text=TEXT)
def test_bind_is_an_address_or_a_problem(text: str) -> None:
    reader = Reader({"BIND": text})
    address = reader.address("BIND")
    problems: tuple[str, ...] = ()
    try:
        reader.finish()
    except ConfigurationError as error:
        problems = error.problems
    if problems:
        assert (address, len(problems)) == ("", 1)
    else:
        assert not text.strip() or ipaddress.ip_address(address) == ipaddress.ip_address(text.strip())
