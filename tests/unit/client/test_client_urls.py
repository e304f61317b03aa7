from __future__ import annotations

import pytest

from fullsend.client.errors import MintConfigurationError
from fullsend.client.mint import MintClient
from fullsend.client.token_api import TokenApi


def test_a_mint_that_may_not_be_asked_is_refused_before_a_byte_is_sent() -> None:
    with pytest.raises(MintConfigurationError, match="must begin with https") as refused:
        MintClient("http://mint.example.com")
    assert (refused.value.code, refused.value.nothing_was_sent) == ("mint_url_invalid", True)


def test_a_github_that_may_not_be_asked_is_told_from_a_mint() -> None:
    with pytest.raises(MintConfigurationError, match="GITHUB_API_URL") as refused:
        TokenApi("http://github.example.com")
    assert (refused.value.code, "GITHUB_API_URL" in refused.value.remedy) == ("github_url_invalid", True)
