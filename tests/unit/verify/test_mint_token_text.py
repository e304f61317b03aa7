"""Text that is parsed as a token, and text that is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import string
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mintcore.errors import InvalidToken
from mintcore.verify.unverified import MAX_TOKEN, UnverifiedToken, split_token
from tests.mint_doubles import FakeClock, claims, new_attempt
from tests.unit.verify.published_keys import Published, b64, jwk, key_set, raw_jwt, signed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa


ALGORITHMS = ["none", "None", "NONE", "HS256", "HS512", "RS384", "RS512", "PS256", "ES256", "EdDSA", "", "rs256"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_only_rs256_is_taken_apart(algorithm: str) -> None:
    with pytest.raises(InvalidToken):
        split_token(raw_jwt({"alg": algorithm, "kid": "k"}, claims()))


def test_a_public_key_is_not_a_shared_secret(clock: FakeClock, key: rsa.RSAPrivateKey) -> None:
    secret = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for algorithm in ("HS256", "RS256"):
        signing = raw_jwt({"alg": algorithm, "kid": "k", "typ": "JWT"}, claims()).rpartition(".")[0]
        mac = hmac.new(secret, signing.encode(), hashlib.sha256).digest()
        with pytest.raises(InvalidToken):
            Published(clock, key_set(jwk(key))).check(f"{signing}.{b64(mac)}")


SOUND = raw_jwt({"alg": "RS256", "kid": "k"}, claims()).rpartition(".")[0]
DEEP_LIST = json.dumps([]).replace("[]", "[" * 3000 + "]" * 3000)
NOT_TOKENS = {
    "empty": "", "one part": "abc", "two parts": "a.b", "four parts": "a.b.c.d", "dots": "..", "blank": " ",
    "not base64": "!!!.???.***", "not JSON": f"{b64(b'x')}.{b64(b'y')}.{b64(b'z')}", "not ASCII": "ä.ö.ü",
    "lone surrogate": "\ud800.\ud800.\ud800", "header is a list": raw_jwt([], claims()),
    "header is null": raw_jwt(None, claims()), "payload is a list": raw_jwt({"alg": "RS256", "kid": "k"}, []),
    "payload is a number": raw_jwt({"alg": "RS256", "kid": "k"}, 1), "no header": raw_jwt({}, claims()),
    "no key id": raw_jwt({"alg": "RS256"}, claims()),
    "empty key id": raw_jwt({"alg": "RS256", "kid": ""}, claims()),
    "number for key id": raw_jwt({"alg": "RS256", "kid": 5}, claims()),
    "list for key id": raw_jwt({"alg": "RS256", "kid": ["k"]}, claims()),
    "number for algorithm": raw_jwt({"alg": 5, "kid": "k"}, claims()),
    "list for algorithm": raw_jwt({"alg": ["RS256"], "kid": "k"}, claims()),
    "unknown critical header": raw_jwt({"alg": "RS256", "kid": "k", "crit": ["x"], "x": 1}, claims()),
    "critical header that is no list": raw_jwt({"alg": "RS256", "kid": "k", "crit": "exp"}, claims()),
    "UTF-16": f"{b64(json.dumps({'alg': 'RS256', 'kid': 'k'}).encode('utf-16'))}.{b64(b'{}')}.AAAA",
    "payload said to be encoded": raw_jwt({"alg": "RS256", "kid": "k", "b64": True}, claims()),
    "padded": raw_jwt({"alg": "RS256", "kid": "k"}, claims()) + "==", "loose ends": f"{SOUND}.AB",
    "one character over": f"{SOUND}.AAAAA", "standard base64": f"{SOUND}.+/+/", "a line more": f"{SOUND}.AAAA\n",
    "blanks inside": f"{SOUND}.AA AA", "empty signature": f"{SOUND}.", "five parts": f"{SOUND}.AAAA.AAAA",
    "unencoded payload": raw_jwt({"alg": "RS256", "kid": "k", "b64": False, "crit": ["b64"]}, claims()),
    "huge": "a" * (MAX_TOKEN + 1), "huge number": raw_jwt({"alg": "RS256", "kid": "k"}, {"exp": 0}).replace(
        b64(b'{"exp": 0}'), b64(b'{"exp": ' + b"9" * 5000 + b"}")),
    "deep header": f"{b64(DEEP_LIST.encode())}.{b64(b'{}')}.x",
    "deep payload": ".".join([b64(b'{"alg":"RS256","kid":"k"}'), b64(b'{"a":' + DEEP_LIST.encode() + b"}"), "x"]),
}  # fmt: skip


def test_the_sound_part_of_what_is_refused_is_sound() -> None:
    assert split_token(f"{SOUND}.AAAA").signature == b"\0\0\0"


@pytest.mark.parametrize("text", NOT_TOKENS.values(), ids=NOT_TOKENS.keys())
def test_text_other_than_a_token_is_refused(text: str) -> None:
    with pytest.raises(InvalidToken) as refused:
        split_token(text)
    assert refused.value.public == InvalidToken.sentence
    assert len(refused.value.detail) < 200


def test_a_token_nested_just_deep_enough_for_one_parser_does_not_crash_the_next(
    clock: FakeClock, key: rsa.RSAPrivateKey
) -> None:
    published = Published(clock, key_set(jwk(key)))
    with published.peer:
        published.keys.load(new_attempt(clock))
        refusals = 0
        for depth in range(700, 1000):
            header = '{"alg":"RS256","kid":"k","x":' + "[" * depth + "]" * depth + "}"
            text = f"{b64(header.encode())}.{b64(b'{}')}.{b64(b'x')}"
            with pytest.raises(InvalidToken):
                published.keys.check_signature(split_token(text), new_attempt(clock))
            refusals += 1
    assert refusals == 300


def test_a_token_is_taken_apart_quickly_whatever_its_size() -> None:
    started = time.process_time()
    for size in (MAX_TOKEN, MAX_TOKEN - 1):
        with pytest.raises(InvalidToken):
            split_token("." * size)
    assert time.process_time() - started < 1


def test_a_part_that_is_not_believed_says_so_in_its_name(key: rsa.RSAPrivateKey) -> None:
    parts = split_token(signed(key))
    assert isinstance(parts, UnverifiedToken)
    assert parts.unverified_claims["repository"] == "octo-org/app"
    assert parts.key_id == "k"


HEADER = b64(b'{"alg": "RS256", "kid": "k"}')


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 6, 7, 8])
def test_of_the_texts_that_decode_to_the_same_bytes_one_is_accepted(length: int) -> None:
    """RFC 4648 §3.5: otherwise the same token could be written in several ways."""
    letters = string.ascii_letters + string.digits + "-_"
    for last in letters:
        text = "Q" * (length - 1) + last
        decoded = base64.urlsafe_b64decode(text + "=" * (-length % 4)) if length % 4 != 1 else b""
        canonical = base64.urlsafe_b64encode(decoded).rstrip(b"=").decode() == text
        with nullcontext() if canonical else pytest.raises(InvalidToken):
            assert split_token(f"{HEADER}.e30.{text}").signature == decoded


@pytest.mark.parametrize(
    "text",
    [
        "",
        "..",
        "a.b",
        "a.b.c.d",
        f"{HEADER}.e30.",
        f".{HEADER}.e30",
        "a.b.c\n",
        " a.b.c",
        "a.b+.c",
        "a.b.\u00e4",
        "a.\ud800.c",
    ],
)
def test_other_texts_than_three_parts_of_base64url_are_not_tokens(text: str) -> None:
    with pytest.raises(InvalidToken) as refused:
        split_token(text)
    assert "three base64url texts" in refused.value.detail
