"""Text from any GitHub refusal or key file is shown with a limited length and without control characters."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mintcore.errors import InvalidRoleKey, MintError
from mintcore.github.refusals import MAX_QUOTED, message_of, quota_of, refusal
from mintcore.keys.crc32c import crc32c
from mintcore.keys.rsa import parse_signer
from mintcore.outbound.answer import Answer
from mintcore.policy.names import Org, Role
from mintcore.secret import redact

ORG = Org("octo-org")
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3), max_leaves=5
)
FIELDS = st.dictionaries(st.sampled_from(["message", "documentation_url", "errors"]), JSON)
BODIES = FIELDS.map(lambda fields: json.dumps(fields).encode()) | st.binary(max_size=200)
LINKS = st.sampled_from(
    ["https://evil.example/", "javascript://x", "www.evil.example", "HTTP://x", "a\nb", "\u202e"]
)


@given(message=st.lists(st.text() | LINKS, max_size=6).map(" ".join))
@example(message="x" * 5000)
@example(message="://" * 500)
def test_a_quoted_sentence_is_one_short_line_without_links(message: str) -> None:
    shown = message_of(Answer(403, {}, json.dumps({"message": message}).encode()))
    assert len(shown) <= MAX_QUOTED
    assert shown.isprintable()
    assert "evil.example" not in shown
    assert '"' not in shown


@given(status=st.integers(100, 599), body=BODIES, headers=st.dictionaries(st.text(), st.text()))
def test_every_answer_means_a_failure_of_the_mint(status: int, body: bytes, headers: dict[str, str]) -> None:
    failure = refusal(Answer(status, headers, body), doing="asking", org=ORG, now=0.0)
    assert isinstance(failure, MintError)
    assert failure.public.endswith(".")
    assert failure.public.isprintable()


@given(
    st.dictionaries(st.sampled_from([f"x-ratelimit-{name}" for name in ("limit", "remaining", "reset")]), st.text())
)
def test_a_quota_is_numbers_or_left_out(headers: dict[str, str]) -> None:
    assert all(number >= 0 for number in quota_of(Answer(201, headers, b"")).values())


KEYS = st.binary(max_size=400) | st.lists(
    st.sampled_from([b"-----BEGIN RSA PRIVATE KEY-----", b"-----END", b"\\n", b"\n", b"{", b"QUJD", b"%20", b'"']),
    max_size=8,
).map(b"".join)


@given(KEYS)
def test_what_is_not_a_key_is_named_without_being_quoted(text: bytes) -> None:
    with pytest.raises(InvalidRoleKey) as refused:
        parse_signer(text, Role("triage"))
    detail = refused.value.detail
    assert redact(detail) == detail
    assert detail.isprintable()


@given(st.binary(max_size=64), st.integers(0, 511))
def test_a_checksum_finds_every_flipped_bit(data: bytes, bit: int) -> None:
    if data:
        at = bit % (8 * len(data))
        damaged = bytearray(data)
        damaged[at // 8] ^= 1 << at % 8
        assert crc32c(bytes(damaged)) != crc32c(data)
