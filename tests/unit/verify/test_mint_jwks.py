from __future__ import annotations

import base64
import hashlib
import hmac
import json
import string
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fullsend_sandbox.issuer import Issuer
from fullsend_sandbox.job import Job
from fullsend_sandbox.keys import new_key
from mintcore.errors import InvalidToken, IssuerUnavailable
from mintcore.helpers import Helpers
from mintcore.outbound.channel import Outbound
from mintcore.verify.jwks import IssuerKeys
from mintcore.verify.unverified import MAX_TOKEN, UnverifiedToken, split_token
from tests.mint_doubles import FakeClock, claims, new_attempt
from tests.unit.outbound.loopback_peer import Peer, answer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return new_key()


@pytest.fixture(scope="module")
def other_key() -> rsa.RSAPrivateKey:
    return new_key()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as running:
        yield running


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def raw_jwt(header: object, payload: object, signature: bytes = b"x") -> str:
    return ".".join([b64(json.dumps(header).encode()), b64(json.dumps(payload).encode()), b64(signature)])


def signed(key: rsa.RSAPrivateKey, kid: str = "k", **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm="RS256", headers={"kid": kid})


def jwk(key: Any, kid: str = "k", **changes: Any) -> dict[str, Any]:
    algorithm = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"} | changes


class Published:
    """An issuer that publishes exactly what it is told, and the keys as the mint knows them."""

    def __init__(self, clock: FakeClock, jwks: bytes, discovery: dict[str, Any] | None = None) -> None:
        self.clock = clock
        self.jwks = jwks
        self.discovery = discovery or {}
        self.peer = Peer(self._answer)
        self.keys = IssuerKeys(self.peer.url, Outbound(clock, connections=2), clock, fetch_seconds=3)

    def _answer(self, number: int) -> list[bytes]:
        if b"openid-configuration" not in self.peer.requests[number].split(b"\r\n")[0]:
            return [answer(200, self.jwks)]
        standard = {"issuer": self.peer.url, "jwks_uri": f"{self.peer.url}/keys"}
        return [answer(200, json.dumps(standard | self.discovery).encode())]

    def check(self, token: str) -> None:
        with self.peer:
            self.keys.check_signature(split_token(token), new_attempt(self.clock))


def key_set(*keys: object) -> bytes:
    return json.dumps({"keys": keys}).encode()


def test_a_token_the_issuer_signed_is_accepted(clock: FakeClock, key: rsa.RSAPrivateKey) -> None:
    Published(clock, key_set(jwk(key))).check(signed(key))


def test_a_token_somebody_else_signed_under_the_same_key_id_is_refused(
    clock: FakeClock, key: rsa.RSAPrivateKey, other_key: rsa.RSAPrivateKey
) -> None:
    with pytest.raises(InvalidToken, match="signature"):
        Published(clock, key_set(jwk(key))).check(signed(other_key))


def test_a_token_whose_claims_were_changed_is_refused(clock: FakeClock, key: rsa.RSAPrivateKey) -> None:
    header, _, signature = signed(key).split(".")
    changed = f"{header}.{b64(json.dumps(claims(repository_owner='evil')).encode())}.{signature}"
    with pytest.raises(InvalidToken, match="signature"):
        Published(clock, key_set(jwk(key))).check(changed)


@pytest.mark.parametrize("signature", [b"", b"\x00" * 256, b"x" * 10_000])
def test_a_token_without_a_real_signature_is_refused(
    clock: FakeClock, key: rsa.RSAPrivateKey, signature: bytes
) -> None:
    token = raw_jwt({"alg": "RS256", "kid": "k"}, claims(), signature)[:MAX_TOKEN]
    with pytest.raises(InvalidToken):
        Published(clock, key_set(jwk(key))).check(token)


def test_the_time_of_a_token_is_not_judged_here(clock: FakeClock, key: rsa.RSAPrivateKey) -> None:
    Published(clock, key_set(jwk(key))).check(signed(key, exp=1, nbf=2**40, aud=["x"], iss="other"))


@pytest.mark.parametrize(
    "unusable",
    [
        {"kty": "EC"}, {"use": "enc"}, {"alg": "RS512"}, {"alg": "none"}, {"alg": None}, {"n": ""},
        {"n": "AQAB"}, {"n": 5},
        {"n": None}, {"e": ""}, {"e": "AA"}, {"e": []}, {"n": "\u00e9"}, {"kid": ""}, {"kid": 5}, {"kid": None},
    ],
)  # fmt: skip
def test_a_key_that_cannot_be_used_is_left_out_and_the_others_serve(
    clock: FakeClock, key: rsa.RSAPrivateKey, unusable: dict[str, Any]
) -> None:
    Published(clock, key_set(jwk(key, "bad") | unusable, None, 1, [], "x", jwk(key))).check(signed(key))


@pytest.mark.parametrize(
    "unusable", [{"use": "enc"}, {"alg": "RS512"}, {"alg": "none"}, {"alg": None}, {"kty": "EC"}]
)
def test_a_key_that_is_for_something_else_proves_no_signature(
    clock: FakeClock, key: rsa.RSAPrivateKey, other_key: rsa.RSAPrivateKey, unusable: dict[str, Any]
) -> None:
    with pytest.raises(InvalidToken, match="no key of the token's key id"):
        Published(clock, key_set(jwk(key, "bad") | unusable, jwk(other_key))).check(signed(key, "bad"))


@pytest.mark.parametrize("status", [201, 301, 404])
def test_a_key_set_beside_another_status_than_200_is_not_an_answer(
    clock: FakeClock, key: rsa.RSAPrivateKey, status: int
) -> None:
    peer = Peer(lambda number: [answer(status, key_set(jwk(key))) if number else answer(200, discovery())])

    def discovery() -> bytes:
        return json.dumps({"issuer": peer.url, "jwks_uri": f"{peer.url}/keys"}).encode()

    with peer, pytest.raises(IssuerUnavailable, match=f"status {status}"):
        IssuerKeys(peer.url, Outbound(clock, connections=1), clock, fetch_seconds=3).load(new_attempt(clock))


def test_a_token_over_the_largest_size_is_refused_however_sound(key: rsa.RSAPrivateKey) -> None:
    room = MAX_TOKEN - len(signed(key))
    assert split_token(signed(key, x="y" * (room * 3 // 4 - 20))).key_id == "k"
    with pytest.raises(InvalidToken, match=r"the token has 1[67][0-9]{3} characters"):
        split_token(signed(key, x="y" * (room * 3 // 4 + 20)))


def test_keys_that_are_too_short_or_of_another_kind_are_ignored(clock: FakeClock, key: rsa.RSAPrivateKey) -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - that it is refused is the case
    curve = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(IssuerUnavailable, match="no usable key"):
        Published(clock, key_set(jwk(short), jwk(curve))).check(signed(key))


@pytest.mark.parametrize(
    "jwks",
    [
        b'{"keys": []}',
        b"{}",
        b'{"keys": {}}',
        b'{"keys": null}',
        b'{"keys": "x"}',
        b"[]",
        b"",
        b"<html>",
        b"[" * 90_000,
    ],
)
def test_a_key_set_without_keys_is_not_an_answer(clock: FakeClock, key: rsa.RSAPrivateKey, jwks: bytes) -> None:
    with pytest.raises(IssuerUnavailable):
        Published(clock, jwks).check(signed(key))


@pytest.mark.parametrize("jwks", [b'{"keys": []}', b"<html>"])
def test_a_broken_key_set_never_replaces_the_one_we_have(
    clock: FakeClock, key: rsa.RSAPrivateKey, jwks: bytes
) -> None:
    published = Published(clock, key_set(jwk(key)))
    token = split_token(signed(key))
    with published.peer:
        published.keys.check_signature(token, new_attempt(clock))
        published.jwks = jwks
        for seconds in (3600, 3600, 22 * 3600 - 1):
            clock.advance(seconds)
            published.keys.check_signature(token, new_attempt(clock))
        clock.advance(1)
        with pytest.raises(IssuerUnavailable):
            published.keys.check_signature(token, new_attempt(clock))


@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": "https://evil.example"}, {"issuer": None}, {"issuer": ["x"]},
        {"jwks_uri": "https://evil.example/keys"}, {"jwks_uri": "/keys"}, {"jwks_uri": None}, {"jwks_uri": ["x"]},
        {"jwks_uri": 5}, {"jwks_uri": "http://169.254.169.254/"}, {"jwks_uri": ""},
    ],
)  # fmt: skip
def test_a_discovery_document_that_points_elsewhere_is_not_followed(
    clock: FakeClock, key: rsa.RSAPrivateKey, discovery: dict[str, Any]
) -> None:
    published = Published(clock, key_set(jwk(key)), discovery)
    with pytest.raises(IssuerUnavailable):
        published.check(signed(key))
    assert len(published.peer.requests) == 1


@pytest.mark.parametrize("tail", ["@evil.example/keys", ".evil.example/keys", "1/keys"])
def test_a_key_set_at_an_origin_that_only_begins_like_the_issuers_is_not_fetched(
    clock: FakeClock, key: rsa.RSAPrivateKey, tail: str
) -> None:
    published = Published(clock, key_set(jwk(key)))
    published.discovery = {"jwks_uri": published.peer.url + tail}
    with pytest.raises(IssuerUnavailable, match="jwks_uri"):
        published.check(signed(key))


@pytest.mark.parametrize("path", ["/a b", "/a\r\nX: y", "/\ud800", "/\u00e9", "/\x00"])
def test_a_path_of_the_key_set_that_no_request_can_have_is_not_asked_for(
    clock: FakeClock, key: rsa.RSAPrivateKey, path: str
) -> None:
    published = Published(clock, key_set(jwk(key)))
    published.discovery = {"jwks_uri": published.peer.url + path}
    with pytest.raises(IssuerUnavailable):
        published.check(signed(key))
    assert len(published.peer.requests) == 1


@pytest.mark.parametrize("path", ["/%zz", "//evil.example/x"])
def test_a_strange_path_of_the_key_set_stays_on_the_issuers_origin(
    clock: FakeClock, key: rsa.RSAPrivateKey, path: str
) -> None:
    published = Published(clock, key_set(jwk(key)))
    published.discovery = {"jwks_uri": published.peer.url + path}
    published.check(signed(key))
    assert len(published.peer.requests) == 2


@pytest.mark.parametrize(("seconds", "fetched"), [(3599, 1), (3600, 2)])
def test_keys_are_fetched_once_an_hour(clock: FakeClock, issuer: Issuer, seconds: float, fetched: int) -> None:
    keys = IssuerKeys(issuer.url, Outbound(clock, connections=2), clock, fetch_seconds=3)
    token = split_token(issuer.token(Job()))
    keys.check_signature(token, new_attempt(clock))
    clock.advance(seconds)
    keys.check_signature(token, new_attempt(clock))
    assert issuer.traffic.count(path_prefix="/.well-known/jwks") == fetched


def test_a_rotated_key_is_found_at_once(clock: FakeClock, issuer: Issuer) -> None:
    keys = IssuerKeys(issuer.url, Outbound(clock, connections=2), clock, fetch_seconds=3)
    keys.check_signature(split_token(issuer.token(Job())), new_attempt(clock))
    issuer.rotate_key(retire=True)
    keys.check_signature(split_token(issuer.token(Job())), new_attempt(clock))
    assert issuer.traffic.count(path_prefix="/.well-known/jwks") == 2


@pytest.mark.parametrize(("seconds", "fetched"), [(60, 3), (61, 4)])
def test_invented_key_ids_ask_the_issuer_once_in_thirty_seconds(
    clock: FakeClock, issuer: Issuer, key: rsa.RSAPrivateKey, seconds: int, fetched: int
) -> None:
    keys = IssuerKeys(issuer.url, Outbound(clock, connections=2), clock, fetch_seconds=3)
    for number in range(seconds):
        with pytest.raises(InvalidToken, match="no key of the token's key id"):
            keys.check_signature(split_token(signed(key, f"invented-{number}")), new_attempt(clock))
        clock.advance(1)
    assert issuer.traffic.count(path_prefix="/.well-known/jwks") == fetched


def test_an_issuer_that_is_down_is_not_asked_by_every_request(clock: FakeClock, key: rsa.RSAPrivateKey) -> None:
    with Peer(lambda _number: [None]) as peer:
        keys = IssuerKeys(peer.url, Outbound(clock, connections=2), clock, fetch_seconds=3)
        for _ in range(5):
            with pytest.raises(IssuerUnavailable) as unavailable:
                keys.check_signature(split_token(signed(key)), new_attempt(clock))
            # The audit event has it, of a failure that was kept too.
            assert unavailable.value.issuer == peer.url
    assert len(peer.requests) == 3


def test_the_issuers_date_is_told_to_the_clock(clock: FakeClock, issuer: Issuer) -> None:
    IssuerKeys(issuer.url, Outbound(clock, connections=2), clock, fetch_seconds=3).load(new_attempt(clock))
    assert len(clock.observed) == 2
    assert all(date.endswith("GMT") for date in clock.observed)


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


def test_old_keys_serve_at_once_while_a_helper_fetches_new_ones(clock: FakeClock) -> None:
    with Issuer(clock=clock.now) as issuer:
        keys = IssuerKeys(
            issuer.url, Outbound(clock, connections=2), clock,
            fetch_seconds=3, renewed_seconds=24 * 3600.0, helpers=Helpers(1),
        )  # fmt: skip
        keys.load(new_attempt(clock))
        issuer.rotate_key()
        clock.advance(23 * 3600)
        asked = new_attempt(clock)
        keys.load(asked)
        assert asked.upstream_calls == {}
        ends = time.monotonic() + 10
        # A token of the new key is good at once: an unknown key id waits for the fetch under way, or starts one.
        keys.check_signature(split_token(issuer.token(Job())), new_attempt(clock))
        assert time.monotonic() < ends


def test_standalone_old_keys_do_not_serve(clock: FakeClock) -> None:
    with Issuer(clock=clock.now) as issuer:
        keys = IssuerKeys(issuer.url, Outbound(clock, connections=2), clock, fetch_seconds=3, helpers=Helpers(1))
        keys.load(new_attempt(clock))
        clock.advance(3600)
        asked = new_attempt(clock)
        keys.load(asked)
        assert asked.upstream_calls == {"issuer": 2}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"use": "enc"}, 'its use is not "sig"'),
        ({"kid": ""}, "a key has no kid"),
        ({"alg": "RS512"}, "a key is not for RS256"),
        ({"n": "AA"}, "a key is damaged"),
    ],
)
def test_the_operator_learns_which_issuers_keys_are_unusable_and_why(
    clock: FakeClock, key: rsa.RSAPrivateKey, changes: dict[str, Any], why: str
) -> None:
    published = Published(clock, key_set(jwk(key, **changes)))
    url = published.peer.url
    with pytest.raises(IssuerUnavailable) as failure:
        published.check(signed(key))
    assert url in failure.value.detail
    assert why in failure.value.detail
    assert failure.value.public == IssuerUnavailable.sentence


def test_the_operator_learns_which_issuer_a_discovery_document_names(
    clock: FakeClock, key: rsa.RSAPrivateKey
) -> None:
    published = Published(clock, key_set(jwk(key)), {"issuer": "https://other.test"})
    with pytest.raises(IssuerUnavailable, match=r"names the issuer 'https://other\.test'\. Fix: set the url to"):
        published.check(signed(key))


HEADER = b64(b'{"alg": "RS256", "kid": "k"}')


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 6, 7, 8])
def test_of_the_texts_that_decode_to_the_same_bytes_one_is_accepted(length: int) -> None:
    """RFC 4648 §3.5: otherwise one token would have several texts."""
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
