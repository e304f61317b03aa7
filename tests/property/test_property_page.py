"""For any Accept header, a client gets the page or the contract's JSON."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from werkzeug import Request
from werkzeug.test import EnvironBuilder

from mintcore.http.page import wants_page

PART = st.sampled_from(
    ["text/html", "*/*", "text/*", "application/json", ";q=0", ";q=0.5", ";q=x", ";q=", ",", " ", '"']
)
ACCEPT = st.lists(PART, max_size=8).map("".join) | st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF))


@given(accept=ACCEPT)
def test_accept_is_read_without_an_error_and_names_html_for_the_page(accept: str) -> None:
    environ = EnvironBuilder("/", method="GET").get_environ() | {"HTTP_ACCEPT": accept}
    if wants_page(Request(environ)):
        assert "text/html" in accept.lower()
