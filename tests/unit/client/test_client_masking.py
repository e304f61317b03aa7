from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullsend.client.masking import audit_hash, masked
from fullsend.client.types import MintedToken

CLASSIC = "ghs_" + "a1B2" * 9
STATELESS = "ghs_700001_" + "aB3-_.xY9" * 56


@pytest.mark.parametrize("token", [CLASSIC, STATELESS])
def test_both_kinds_of_token_show_their_kind_alone(token: str) -> None:
    assert masked(token) == "ghs_***"


@given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=600))
def test_a_masked_token_never_shows_more_than_a_short_prefix(token: str) -> None:
    shown = masked(token).removesuffix("***")
    assert token.startswith(shown)
    assert len(shown) <= 11
    assert len(shown) * 20 <= len(token) * 11


def test_the_hash_is_the_one_of_the_audit_log() -> None:
    assert base64.b64decode(audit_hash(STATELESS)) == hashlib.sha256(STATELESS.encode()).digest()


@pytest.mark.parametrize("token", [CLASSIC, STATELESS])
def test_a_minted_token_does_not_show_in_its_repr(token: str) -> None:
    minted = MintedToken(token, "2026-01-01T00:00:00Z", (), {}, "all", "https://m.example")
    assert token not in repr(minted) + str(minted)
