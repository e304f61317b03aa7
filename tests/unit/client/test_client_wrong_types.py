"""The library names the argument that has a wrong type, and never shows what may be a token."""

from __future__ import annotations

from typing import Any

import pytest

from fullsend.client import MintClient

URL = "http://127.0.0.1:9"
SECRET = "ghs_" + "s" * 36


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"mint_urls": None}, "mint_urls is a URL or a list of URLs, not NoneType"),
        ({"mint_urls": b"https://mint.example.com"}, "mint_urls is a URL or a list of URLs, not bytes"),
        ({"mint_urls": 7}, "mint_urls is a URL or a list of URLs, not int"),
        ({"mint_urls": [None]}, "a URL in mint_urls must be text, not NoneType: 'None'"),
        ({"identity": SECRET}, "identity is a function from the audience to the OIDC token, not str"),
        ({"audience": None}, "audience must be text, not NoneType: 'None'"),
        ({"github_api_url": 3}, "github_api_url must be text, not int: '3'"),
        ({"retry": 3}, "retry is a RetryPolicy, not int"),
    ],
)
def test_a_wrong_type_is_named_when_the_client_is_made(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(TypeError) as refused:
        MintClient(**{"mint_urls": URL, **arguments})
    assert str(refused.value) == says


@pytest.mark.parametrize("token", [None, SECRET.encode()])
def test_a_token_that_is_not_text_is_not_sent_and_not_shown(token: Any) -> None:
    there = MintClient(URL, github_api_url=URL)
    for call in (there.revoke, there.wait_usable):
        with pytest.raises(TypeError) as refused:
            call(token)
        assert str(refused.value) == f"token must be text, not {type(token).__name__}"
