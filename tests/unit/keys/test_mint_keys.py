from __future__ import annotations

import base64
import gc
import importlib
import json
import random
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING
from urllib.parse import quote

import jwt
import pytest
from cryptography.hazmat.primitives import serialization as forms
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from fullsend_sandbox.faults import Fail, Trickle
from fullsend_sandbox.keys import new_key
from fullsend_sandbox.secret_manager import SecretManager
from mintcore.clock import CorrectedClock
from mintcore.errors import InvalidRoleKey, KeyRefused, KeyUnavailable, RoleKeyMissing
from mintcore.helpers import Helpers
from mintcore.keys.access_tokens import AccessTokens
from mintcore.keys.app_jwt import AppJwts
from mintcore.keys.crc32c import crc32c
from mintcore.keys.google_api import google_api
from mintcore.keys.rsa import RsaSigner, parse_signer
from mintcore.keys.secret_manager import SecretManagerKeys, content_of
from mintcore.outbound.answer import Answer
from mintcore.outbound.channel import Outbound
from mintcore.policy.names import Role
from mintcore.policy.roles import App
from mintcore.secret import Secret, redact
from tests.mint_doubles import NOW, FakeClock, OneSigner, new_attempt
from tests.unit.outbound.loopback_peer import Peer, answer
from tests.unit.sandbox.google.google_operator import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mintcore.ports import Signer

    AmbientCredentials = Callable[[str], None]

CODER = Role("coder")
APP = App("12345", CODER)
SECRET = "fullsend-coder-app-pem"


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return new_key()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def pem(key: PrivateKey, *, pkcs8: bool = True) -> bytes:
    kind = PrivateFormat.PKCS8 if pkcs8 else PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(Encoding.PEM, kind, NoEncryption())


@pytest.mark.parametrize("pkcs8", [True, False])
@pytest.mark.parametrize("around", [b"%s", b"\n\n%s\n\n", b"Bag Attributes\n%s", b"%s\x00"])
def test_a_private_key_in_pem_signs(key: rsa.RSAPrivateKey, pkcs8: bool, around: bytes) -> None:
    signer = parse_signer(around % pem(key, pkcs8=pkcs8), CODER)
    algorithm = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
    assert algorithm.verify(b"message", key.public_key(), signer.sign(b"message"))


def test_line_ends_of_windows_do_not_matter(key: rsa.RSAPrivateKey) -> None:
    assert isinstance(parse_signer(pem(key).replace(b"\n", b"\r\n"), CODER), RsaSigner)


def refusal(data: bytes) -> str:
    with pytest.raises(InvalidRoleKey) as refused:
        parse_signer(data, CODER)
    assert refused.value.public == InvalidRoleKey.sentence
    return refused.value.detail


@pytest.mark.parametrize("kind", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_an_encrypted_key_is_refused_by_name(key: rsa.RSAPrivateKey, kind: PrivateFormat) -> None:
    data = key.private_bytes(Encoding.PEM, kind, forms.BestAvailableEncryption(b"passphrase"))
    assert "is encrypted" in refusal(data)


def test_a_public_key_is_refused_by_name(key: rsa.RSAPrivateKey) -> None:
    for kind in (PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1):
        assert "is a public key" in refusal(key.public_key().public_bytes(Encoding.PEM, kind))


@pytest.mark.parametrize("data", [b"", b" \n"])
def test_an_empty_key_is_refused_by_name(data: bytes) -> None:
    assert "is empty" in refusal(data)


def test_a_certificate_is_refused_by_name() -> None:
    assert "is a certificate" in refusal(b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")


@pytest.mark.parametrize("data", [b"not a key", b"\x00\xff" * 50, b"{}", b"ssh-rsa AAAA"])
def test_what_is_not_pem_is_refused_by_name(data: bytes) -> None:
    assert "is not in PEM form" in refusal(data)


def test_a_key_that_is_cut_off_is_refused_by_name(key: rsa.RSAPrivateKey) -> None:
    assert "is cut off" in refusal(pem(key)[:500])


def test_a_damaged_key_is_refused(key: rsa.RSAPrivateKey) -> None:
    lines = pem(key).split(b"\n")
    del lines[5]
    assert "cannot be read" in refusal(b"\n".join(lines))


@pytest.mark.parametrize("around", [b"%s", b'"%s"', b"'%s'", b"\xef\xbb\xbf%s\n"])
@pytest.mark.parametrize("line_break", [b"\\n", b"\\r\\n"])
def test_line_breaks_written_as_two_characters_are_accepted(
    key: rsa.RSAPrivateKey, line_break: bytes, around: bytes
) -> None:
    assert isinstance(parse_signer(around % pem(key).replace(b"\n", line_break), CODER), RsaSigner)


def wrapped(text: bytes) -> bytes:
    return base64.encodebytes(text)


def test_each_wrong_form_of_a_key_is_named(key: rsa.RSAPrivateKey) -> None:
    text = pem(key)
    forms_of_it = {
        "base64 of PEM": wrapped(text),
        "base64 of PEM;": base64.b64encode(text),
        "URL-encoded": quote(text).encode(),
        "URL-encoded PEM": quote(text, safe="").encode().replace(b"-", b"%2D"),
        "JSON with a PEM": json.dumps({"private_key": text.decode()}).encode(),
        "JSON;": b'{"type": "service_account"}',
        "a fingerprint": b"SHA256:" + base64.b64encode(b"f" * 32),
        "a fingerprint, which": b":".join([b"ab"] * 20),
        "a client secret": b"0123456789abcdef0123456789abcdef01234567\n",
        "a client ID": b"Iv1.0123456789abcdef",
        "several private keys": text + text,
        "PEM of an unknown kind": b"-----BEGIN PGP MESSAGE-----\nx\n-----END PGP MESSAGE-----",
    }
    for named, form in forms_of_it.items():
        assert named in refusal(form)


def test_our_own_sentences_about_keys_survive_redaction(key: rsa.RSAPrivateKey) -> None:
    for form in (b"", b"not a key", pem(key)[:500], pem(key) * 2, b"{}", wrapped(pem(key)), b"-----BEGIN X-----"):
        detail = refusal(form)
        assert redact(detail) == detail
        assert redact(json.dumps(detail)) == json.dumps(detail)


def test_nothing_of_a_damaged_key_is_quoted(key: rsa.RSAPrivateKey) -> None:
    secret = b"".join(pem(key).split(b"\n")[1:-2])
    for form in (secret, b"-----BEGIN RSA PRIVATE KEY-----" + secret, wrapped(secret), b'{"k": "%s"}' % secret):
        assert not any(secret[i : i + 12].decode() in refusal(form) for i in range(0, len(secret), 12))


def test_no_damaged_key_that_is_accepted_signs_wrongly(key: rsa.RSAPrivateKey) -> None:
    """The library's own check is skipped; signing and verifying once must replace it."""
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    chance = random.Random(17)  # noqa: S311 - damage, not secrets
    algorithm = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
    refused = 0
    for _ in range(200):
        at = chance.randrange(len(der))
        damaged = der[:at] + bytes([der[at] ^ 1 << chance.randrange(8)]) + der[at + 1 :]
        text = b"-----BEGIN PRIVATE KEY-----\n%s-----END PRIVATE KEY-----\n" % wrapped(damaged)
        try:
            signer = parse_signer(text, CODER)
        except InvalidRoleKey:
            refused += 1
            continue
        assert algorithm.verify(b"m", signer._key.public_key(), signer.sign(b"m"))  # noqa: SLF001
    assert refused > 20


@pytest.mark.parametrize("other", [ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()])
def test_a_key_of_another_kind_is_refused_by_name(
    other: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey,
) -> None:
    assert "is not an RSA key" in refusal(pem(other))


@pytest.mark.parametrize("bits", [1024, 2047])
def test_a_short_key_is_refused_by_its_length(bits: int) -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    assert f"has {bits} bits" in refusal(pem(short))


def test_a_key_of_an_unknown_kind_is_refused_and_does_not_crash() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    unknown = base64.encodebytes(der.replace(b"\x2b\x65\x70", b"\x2b\x65\x7f"))  # 1.3.101.127 is nobody's
    assert "damaged or unknown" in refusal(b"-----BEGIN PRIVATE KEY-----\n%s-----END PRIVATE KEY-----\n" % unknown)


def test_nothing_of_a_refused_key_is_in_the_text(key: rsa.RSAPrivateKey) -> None:
    material = pem(key).split(b"\n")[3].decode()
    assert material not in refusal(pem(key)[:500])


class Jwts:
    """App JWTs of one key, and the store they come from."""

    def __init__(self, clock: FakeClock, signer: Signer) -> None:
        self.clock = clock
        self.store = OneSigner(signer)
        self.jwts = AppJwts(self.store, clock)

    def text(self, app: App = APP) -> str:
        return self.jwts.assertion(app, new_attempt(self.clock)).reveal()


@pytest.fixture
def jwts(clock: FakeClock, key: rsa.RSAPrivateKey) -> Jwts:
    return Jwts(clock, RsaSigner(key))


def test_an_app_jwt_is_what_github_asks_for(jwts: Jwts, key: rsa.RSAPrivateKey) -> None:
    text = jwts.text()
    off = {"verify_exp": False, "verify_iat": False}
    claims = jwt.decode(text, key.public_key(), algorithms=["RS256"], options=off)  # type: ignore[arg-type]
    assert claims == {"iss": "12345", "iat": int(NOW) - 60, "exp": int(NOW) + 540}
    assert jwt.get_unverified_header(text) == {"alg": "RS256", "typ": "JWT"}


def test_an_app_jwt_is_reused_until_two_minutes_before_its_end(jwts: Jwts, clock: FakeClock) -> None:
    first = jwts.text()
    clock.advance(419)
    assert jwts.text() == first
    clock.advance(1)
    assert jwts.text() != first
    assert jwts.store.asked == 2


def test_with_helpers_a_jwt_is_renewed_while_the_old_one_serves(clock: FakeClock, key: rsa.RSAPrivateKey) -> None:
    store = OneSigner(RsaSigner(key))
    jwts = AppJwts(store, clock, Helpers(1))

    def text() -> str:
        return jwts.assertion(APP, new_attempt(clock)).reveal()

    first = text()
    clock.advance(299)
    assert (text(), store.asked) == (first, 1)
    clock.advance(2)
    assert text() == first
    eventually(lambda: None if text() == first else True)
    assert store.asked == 2


def asked(store: OneSigner, times: int) -> Callable[[], bool | None]:
    return lambda: store.asked == times or None


def test_jwts_of_the_last_hour_are_renewed_without_a_request(clock: FakeClock, key: rsa.RSAPrivateKey) -> None:
    store = OneSigner(RsaSigner(key))
    jwts = AppJwts(store, clock, Helpers(1))
    first = jwts.assertion(APP, new_attempt(clock))
    rounds = 0
    for expected in range(1, 13):  # an hour, with a renewal after every five minutes
        for _ in range(5):
            clock.advance(60)
            rounds += 1
            jwts.renew_used({CODER}, new_attempt(clock))
        eventually(asked(store, 1 + expected))
    assert rounds == 60
    clock.advance(60)
    jwts.renew_used({CODER}, new_attempt(clock))
    renewed = jwts.assertion(APP, new_attempt(clock))
    assert (renewed is first, store.asked) == (False, 13)


def test_jwts_of_other_roles_and_of_unused_apps_are_not_renewed(clock: FakeClock, key: rsa.RSAPrivateKey) -> None:
    store = OneSigner(RsaSigner(key))
    jwts = AppJwts(store, clock, Helpers(1))
    jwts.renew_used({CODER}, new_attempt(clock))
    assert store.asked == 0
    jwts.assertion(APP, new_attempt(clock))
    clock.advance(540)
    jwts.renew_used({Role("triage")}, new_attempt(clock))
    clock.advance(3061)
    jwts.renew_used({CODER}, new_attempt(clock))
    assert store.asked == 1


def test_a_renewal_that_fails_is_left_to_the_next_request(clock: FakeClock, key: rsa.RSAPrivateKey) -> None:
    store = OneSigner(RsaSigner(key))
    jwts = AppJwts(store, clock)
    jwts.assertion(APP, new_attempt(clock))
    store.failure = KeyUnavailable(detail="down")
    clock.advance(540)
    jwts.renew_used({CODER}, new_attempt(clock))
    with pytest.raises(KeyUnavailable):
        jwts.assertion(APP, new_attempt(clock))


def test_while_the_signer_is_unreachable_the_old_jwt_serves_to_a_minute_before_its_end(
    clock: FakeClock, key: rsa.RSAPrivateKey
) -> None:
    store = OneSigner(RsaSigner(key))
    jwts = AppJwts(store, clock)
    first = jwts.assertion(APP, new_attempt(clock))
    store.failure = KeyUnavailable()
    clock.advance(479)
    assert jwts.assertion(APP, new_attempt(clock)) is first
    clock.advance(2)
    with pytest.raises(KeyUnavailable):
        jwts.assertion(APP, new_attempt(clock))


def test_apps_do_not_share_a_jwt(jwts: Jwts) -> None:
    assert jwts.text(App("1", CODER)) != jwts.text(App("2", CODER))


def test_a_refused_jwt_is_made_anew_and_its_key_read_anew_once(jwts: Jwts, clock: FakeClock) -> None:
    refused = jwts.jwts.assertion(APP, new_attempt(clock))
    for _ in range(3):
        jwts.jwts.refused(APP, refused)
    assert jwts.store.forgotten == ["coder"]
    clock.advance(1)
    assert jwts.text() != refused.reveal()


def test_a_jwt_of_a_replaced_key_is_not_kept(clock: FakeClock, key: rsa.RSAPrivateKey) -> None:
    new, meanwhile, begun = new_key(), list[Future[Secret]](), threading.Event()

    def another_request() -> Secret:
        begun.set()
        return jwts.assertion(APP, new_attempt(clock))

    class Rotated(OneSigner):
        """Another request asks for a JWT while the old key is being forgotten."""

        def forget(self, role: Role) -> None:
            meanwhile.append(pool.submit(another_request))
            assert begun.wait(10)
            wait(meanwhile, timeout=0.2)  # it had better not get anything yet
            self.one = RsaSigner(new)
            super().forget(role)

    jwts = AppJwts(Rotated(RsaSigner(key)), clock)
    with ThreadPoolExecutor(1) as pool:
        jwts.refused(APP, jwts.assertion(APP, new_attempt(clock)))
        others = meanwhile[0].result()
    off = {"verify_exp": False, "verify_iat": False}
    jwt.decode(others.reveal(), new.public_key(), algorithms=["RS256"], options=off)  # type: ignore[arg-type]


def test_a_jwt_made_meanwhile_is_not_dropped_for_the_older_ones_fault(jwts: Jwts, clock: FakeClock) -> None:
    older = jwts.jwts.assertion(APP, new_attempt(clock))
    jwts.jwts.refused(APP, older)
    newer = jwts.text()
    jwts.jwts.refused(APP, older)
    assert jwts.text() == newer


@pytest.mark.parametrize(("corrected", "made"), [(True, 2), (False, 1)])
def test_a_corrected_clock_makes_every_jwt_anew(jwts: Jwts, clock: FakeClock, corrected: bool, made: int) -> None:
    jwts.text()
    clock.corrects = corrected
    assert jwts.jwts.correct_clock("Wed, 21 Oct 2015 07:28:00 GMT") is corrected
    jwts.text()
    assert jwts.store.asked == made


@pytest.mark.parametrize("failure", [RoleKeyMissing(), KeyUnavailable(), InvalidRoleKey()])
def test_a_failure_of_the_key_is_passed_on_and_not_kept(
    jwts: Jwts, failure: RoleKeyMissing | KeyUnavailable | InvalidRoleKey
) -> None:
    jwts.store.failure = failure
    with pytest.raises(type(failure)):
        jwts.text()
    jwts.store.failure = None
    assert jwts.text()


@pytest.fixture
def secrets() -> Iterator[SecretManager]:
    with SecretManager("123", "octo-project") as running:
        yield running


def store(
    clock: FakeClock, url: str, *, helpers: Helpers | None = None, proxy_url: Secret | None = None
) -> SecretManagerKeys:
    outbound = Outbound(clock, connections=2, proxy_url=proxy_url, jitter=lambda: 0.0)
    api = google_api("secretmanager", url, outbound, AccessTokens(clock, proxy_url=proxy_url))
    return SecretManagerKeys(api, clock, project_number="123", helpers=helpers)


def test_a_stored_key_signs(clock: FakeClock, secrets: SecretManager, key: rsa.RSAPrivateKey) -> None:
    secrets.add_version(SECRET, pem(key))
    context = new_attempt(clock)
    assert isinstance(store(clock, secrets.url).signer(CODER, context), RsaSigner)
    assert context.upstream_calls == {"secretmanager": 1}


def test_of_a_stored_key_only_the_signer_is_kept(
    clock: FakeClock, secrets: SecretManager, key: rsa.RSAPrivateKey
) -> None:
    secrets.add_version(SECRET, pem(key))
    keys = store(clock, secrets.url)
    keys.signer(CODER, new_attempt(clock))
    gc.collect()
    held, seen = [keys], set[int]()
    while held:
        one = held.pop()
        if id(one) in seen or isinstance(one, type | ModuleType | FunctionType):
            continue
        seen.add(id(one))
        assert not (isinstance(one, bytes | bytearray | str) and "PRIVATE KEY" in repr(one))
        held += gc.get_referents(one)


@pytest.mark.parametrize(("seconds", "readings"), [(299, 1), (300, 2)])
def test_a_stored_key_is_read_every_five_minutes(
    clock: FakeClock, secrets: SecretManager, key: rsa.RSAPrivateKey, seconds: float, readings: int
) -> None:
    secrets.add_version(SECRET, pem(key))
    keys = store(clock, secrets.url)
    keys.signer(CODER, new_attempt(clock))
    clock.advance(seconds)
    keys.signer(CODER, new_attempt(clock))
    assert secrets.traffic.count() == readings


def test_a_key_up_to_an_hour_old_signs_at_once_while_a_helper_reads_the_newest(
    clock: FakeClock, secrets: SecretManager, key: rsa.RSAPrivateKey
) -> None:
    secrets.add_version(SECRET, pem(key))
    keys = store(clock, secrets.url, helpers=Helpers(1))
    old = keys.signer(CODER, new_attempt(clock))
    clock.advance(3599)
    asked = new_attempt(clock)
    assert keys.signer(CODER, asked) is old
    assert asked.upstream_calls == {}
    ends = time.monotonic() + 10
    while keys.signer(CODER, new_attempt(clock)) is old:
        assert time.monotonic() < ends
    clock.advance(3600)
    asked = new_attempt(clock)
    keys.signer(CODER, asked)
    assert asked.upstream_calls == {"secretmanager": 1}


def test_a_stored_key_serves_for_an_hour_while_secret_manager_fails_and_is_asked_for_each_second(
    clock: FakeClock, secrets: SecretManager, key: rsa.RSAPrivateKey
) -> None:
    secrets.add_version(SECRET, pem(key))
    keys = store(clock, secrets.url)
    before = keys.signer(CODER, new_attempt(clock))
    secrets.deny(SECRET)
    for seconds, readings in ((300, 2), (0.9, 2), (0.1, 3), (3298, 4)):
        clock.advance(seconds)
        assert keys.signer(CODER, new_attempt(clock)) is before
        assert secrets.traffic.count() == readings
    clock.advance(1)
    with pytest.raises(KeyUnavailable):
        keys.signer(CODER, new_attempt(clock))


def test_a_forgotten_key_is_read_anew_and_serves_while_that_fails(
    clock: FakeClock, secrets: SecretManager, key: rsa.RSAPrivateKey
) -> None:
    secrets.add_version(SECRET, pem(key))
    keys = store(clock, secrets.url)
    before = keys.signer(CODER, new_attempt(clock))
    secrets.deny(SECRET)
    keys.forget(CODER)
    assert keys.signer(CODER, new_attempt(clock)) is before
    secrets.allow(SECRET)
    clock.advance(2)
    assert keys.signer(CODER, new_attempt(clock)) is not before


def test_a_key_that_is_deleted_ends_to_serve(
    clock: FakeClock, secrets: SecretManager, key: rsa.RSAPrivateKey
) -> None:
    secrets.add_version(SECRET, pem(key))
    keys = store(clock, secrets.url)
    keys.signer(CODER, new_attempt(clock))
    secrets.delete_secret(SECRET)
    clock.advance(300)
    with pytest.raises(RoleKeyMissing):
        keys.signer(CODER, new_attempt(clock))


def test_a_key_that_is_not_there_is_missing(clock: FakeClock, secrets: SecretManager) -> None:
    with pytest.raises(RoleKeyMissing, match=SECRET):
        store(clock, secrets.url).signer(CODER, new_attempt(clock))


@pytest.mark.parametrize("verb", ["disable", "destroy"])
def test_a_latest_version_that_is_switched_off_is_missing(
    clock: FakeClock, secrets: SecretManager, key: rsa.RSAPrivateKey, verb: str
) -> None:
    secrets.add_version(SECRET, pem(key))
    getattr(secrets, verb)(SECRET, secrets.add_version(SECRET, pem(key)))
    with pytest.raises(RoleKeyMissing, match="disabled or destroyed"):
        store(clock, secrets.url).signer(CODER, new_attempt(clock))


def test_a_key_that_may_not_be_read_is_unavailable(
    clock: FakeClock, secrets: SecretManager, key: rsa.RSAPrivateKey
) -> None:
    secrets.add_version(SECRET, pem(key))
    secrets.deny(SECRET)
    with pytest.raises(KeyRefused, match=r"status 403: .*denied") as refused:
        store(clock, secrets.url).signer(CODER, new_attempt(clock))
    assert refused.value.headers() == {"X-Should-Retry": "false"}
    assert "operator" in refused.value.public
    assert "try again" not in refused.value.public


@pytest.mark.parametrize(("status", "lasts"), [(302, True), (401, True), (410, True), (429, False), (503, False)])
def test_only_a_refusal_that_the_operator_has_to_fix_lasts(
    clock: FakeClock, secrets: SecretManager, status: int, lasts: bool
) -> None:
    secrets.faults.add(Fail(status), times=99)
    with pytest.raises(KeyUnavailable) as failed:
        store(clock, secrets.url).signer(CODER, new_attempt(clock))
    assert failed.value.lasting is lasts


def test_a_key_that_was_read_serves_while_google_refuses(
    clock: FakeClock, secrets: SecretManager, key: rsa.RSAPrivateKey
) -> None:
    secrets.add_version(SECRET, pem(key))
    keys = store(clock, secrets.url)
    keys.signer(CODER, new_attempt(clock))
    secrets.deny(SECRET)
    clock.advance(3000)
    keys.signer(CODER, new_attempt(clock))
    clock.advance(700)
    with pytest.raises(KeyRefused):
        keys.signer(CODER, new_attempt(clock))


def test_googles_sentence_reaches_the_operators_log_on_one_line(clock: FakeClock, secrets: SecretManager) -> None:
    said = "Secret Manager API has not been used in project 123\nbefore or it is disabled."
    body = json.dumps({"error": {"code": 403, "message": said, "status": "PERMISSION_DENIED"}})
    secrets.faults.add(Fail(403, body, {"Content-Type": "application/json"}))
    with pytest.raises(KeyUnavailable, match=r"API has not been used in project 123 before") as failed:
        store(clock, secrets.url).signer(CODER, new_attempt(clock))
    assert "API" not in failed.value.public


@pytest.mark.parametrize("damage", [1, -1])
def test_a_secret_that_does_not_match_its_checksum_is_not_used(
    clock: FakeClock, secrets: SecretManager, key: rsa.RSAPrivateKey, damage: int
) -> None:
    payload = {"data": base64.b64encode(pem(key)).decode(), "dataCrc32c": str(crc32c(pem(key)) + damage)}
    secrets.faults.add(Fail(200, json.dumps({"name": "x", "payload": payload})))
    with pytest.raises(KeyUnavailable, match="dataCrc32c"):
        store(clock, secrets.url).signer(CODER, new_attempt(clock))


def test_a_checksum_is_crc_32c() -> None:
    assert crc32c(b"") == 0
    assert crc32c(b"123456789") == 0xE3069283  # the check value of the catalogue of CRCs
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720 appendix B.4


def test_an_answer_that_drips_does_not_outlast_the_request(secrets: SecretManager, key: rsa.RSAPrivateKey) -> None:
    secrets.add_version(SECRET, pem(key))
    secrets.faults.add(Trickle(30), times=1)
    clock = CorrectedClock()
    outbound = Outbound(clock, connections=2)
    api = google_api("secretmanager", secrets.url, outbound, AccessTokens(clock))
    keys = SecretManagerKeys(api, clock, project_number="123")
    started = time.monotonic()
    with pytest.raises(KeyUnavailable, match="no answer from"):
        keys.signer(CODER, new_attempt(clock, 0.4))
    assert time.monotonic() - started < 1.5
    assert isinstance(keys.signer(CODER, new_attempt(clock)), RsaSigner)
    assert secrets.traffic.count() == 2


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_secret_manager_that_fails_for_a_while_is_called_again_within_the_request(
    clock: FakeClock, secrets: SecretManager, key: rsa.RSAPrivateKey, status: int
) -> None:
    secrets.add_version(SECRET, pem(key))
    secrets.faults.add(Fail(status), times=5)
    assert isinstance(store(clock, secrets.url).signer(CODER, new_attempt(clock)), RsaSigner)


def test_a_secret_manager_that_stays_down_costs_a_request_eight_seconds_at_most(
    clock: FakeClock, secrets: SecretManager
) -> None:
    secrets.faults.add(Fail(503))
    with pytest.raises(KeyUnavailable, match="status 503"):
        store(clock, secrets.url).signer(CODER, new_attempt(clock))
    assert 6 < sum(clock.sleeps) <= 8


def test_a_failed_connection_is_logged_with_its_host_and_cause(clock: FakeClock) -> None:
    with pytest.raises(KeyUnavailable) as failed:
        store(clock, "http://127.0.0.1:9").signer(CODER, new_attempt(clock))
    assert failed.value.detail == (
        "secret fullsend-coder-app-pem: secretmanager: cannot connect to 127.0.0.1:9: Connection refused"
    )


def test_the_call_is_the_one_that_googles_own_client_makes(clock: FakeClock) -> None:
    from google.auth.credentials import AnonymousCredentials  # noqa: PLC0415 - slow to import
    from google.cloud import secretmanager_v1  # noqa: PLC0415 - as above

    body = json.dumps({"payload": {"data": "eA=="}}).encode()
    with Peer(lambda _number: [answer(200, body)]) as peer:
        transport = secretmanager_v1.SecretManagerServiceClient.get_transport_class("rest")(
            host=peer.url.removeprefix("http://"), url_scheme="http", credentials=AnonymousCredentials()
        )
        client = secretmanager_v1.SecretManagerServiceClient(transport=transport)
        theirs = client.access_secret_version(name=f"projects/123/secrets/{SECRET}/versions/latest")
        transport.close()
        with pytest.raises(InvalidRoleKey):  # "x" is the content, and not a key
            store(clock, peer.url).signer(CODER, new_attempt(clock))
    assert theirs.payload.data == b"x"
    targets = [request.split(b"\r\n")[0].partition(b"?")[0].removesuffix(b" HTTP/1.1") for request in peer.requests]
    assert targets == [b"GET /v1/projects/123/secrets/fullsend-coder-app-pem/versions/latest:access"] * 2
    assert [request.partition(b"\r\n\r\n")[2] for request in peer.requests] == [b"", b""]


@given(
    st.binary(max_size=200)
    | st.dictionaries(st.sampled_from(["payload", "name", "error"]), st.from_type(dict) | st.text()).map(
        lambda value: json.dumps(value, default=str).encode()
    )
    | st.fixed_dictionaries(
        {"data": st.text() | st.none() | st.integers(), "dataCrc32c": st.text() | st.integers() | st.none()}
    ).map(lambda payload: json.dumps({"payload": payload}).encode())
)
def test_any_answer_becomes_a_content_that_was_sent_or_a_failure(body: bytes) -> None:
    try:
        content = content_of(Answer(200, {}, body), SECRET)
    except KeyUnavailable:
        return
    sent = json.loads(body)["payload"]["data"]
    assert isinstance(sent, str)
    assert base64.b64decode(sent, validate=True) == content


@pytest.mark.parametrize(
    "payload", [None, [], "eA==", {}, {"data": None}, {"data": 1234}, {"data": "e A=="}, {"data": "eA"},
                {"data": "eA==", "dataCrc32c": "x"}, {"data": "eA==", "dataCrc32c": [1]}],
)  # fmt: skip
def test_an_answer_without_a_secret_is_unavailable(payload: object) -> None:
    with pytest.raises(KeyUnavailable, match="is not a secret"):
        content_of(Answer(200, {}, json.dumps({"payload": payload}).encode()), SECRET)


@pytest.fixture
def ambient_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AmbientCredentials:
    """Give what makes Google's client find credentials whose access tokens are to be had at a URL."""

    def lie_around(token_url: str) -> None:
        subject, file = tmp_path / "subject", tmp_path / "credentials.json"
        subject.write_text("subject token")
        account = {"type": "external_account", "audience": "here", "token_url": token_url}
        source = {"subject_token_type": "urn:x", "credential_source": {"file": str(subject)}}
        file.write_text(json.dumps(account | source))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "octo-project")
        importlib.import_module("google.auth.transport.requests")  # would outlast the time of a test

    return lie_around


TOKEN = answer(200, b'{"access_token": "t", "issued_token_type": "x", "token_type": "Bearer", "expires_in": 3600}')


@pytest.mark.parametrize(
    ("url", "tokens"),
    [("http://127.0.0.1:9", 0), ("https://127.0.0.1:9", 0), ("https://localhost:9", 0), ("https://[::1]:9", 0),
     ("http://a..b", 1)],
)  # fmt: skip
def test_no_credentials_go_to_this_machine(
    clock: FakeClock, ambient_credentials: AmbientCredentials, url: str, tokens: int
) -> None:
    with Peer(lambda _number: [TOKEN]) as google:
        ambient_credentials(google.url)
        with pytest.raises(KeyUnavailable):
            store(clock, url).signer(CODER, new_attempt(clock, seconds=10.0 if tokens else 0.5))
    assert len(google.requests) == tokens


def test_neither_the_key_nor_the_access_token_goes_by_an_ambient_proxy(
    clock: FakeClock, ambient_credentials: AmbientCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Peer(lambda _number: [answer(418)]) as proxy, Peer(lambda _number: [TOKEN]) as google:
        ambient_credentials(google.url)
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        with pytest.raises(KeyUnavailable):
            store(clock, "http://a..b").signer(CODER, new_attempt(clock))
    assert (len(google.requests), proxy.requests) == (1, [])


@pytest.mark.parametrize(
    ("url", "asked_for"),
    [("https://127.0.0.1:9", b"127.0.0.1:9"), ("https://secrets.example", b"tokens.example:443")],
    ids=["key", "access token"],
)
def test_the_key_and_the_access_token_pass_the_configured_proxy(
    clock: FakeClock, ambient_credentials: AmbientCredentials, url: str, asked_for: bytes
) -> None:
    with Peer(lambda _number: [answer(418)]) as proxy:
        ambient_credentials("https://tokens.example")
        keys = store(clock, url, proxy_url=Secret(proxy.url))
        with pytest.raises(KeyUnavailable):
            keys.signer(CODER, new_attempt(clock, seconds=0.5))
    assert proxy.requests[0].startswith(b"CONNECT " + asked_for)


def test_a_stored_text_other_than_a_key_is_invalid(clock: FakeClock, secrets: SecretManager) -> None:
    secrets.add_version(SECRET, b"canary")
    with pytest.raises(InvalidRoleKey) as refused:
        store(clock, secrets.url).signer(CODER, new_attempt(clock))
    assert "canary" not in refused.value.detail


@pytest.mark.parametrize("reply", [answer(200, b"<html>"), answer(200, b"[]"), answer(418), None])
def test_an_answer_that_makes_no_sense_is_unavailable(clock: FakeClock, reply: bytes | None) -> None:
    with Peer(lambda _number: [reply]) as peer, pytest.raises((KeyUnavailable, InvalidRoleKey)):
        store(clock, peer.url).signer(CODER, new_attempt(clock, seconds=0.5))


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_an_ambient_proxy_is_ignored(
    clock: FakeClock, secrets: SecretManager, key: rsa.RSAPrivateKey, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets.add_version(SECRET, pem(key))
    with Peer(lambda _number: [answer(418)]) as proxy:
        monkeypatch.setenv(name, proxy.url)
        store(clock, secrets.url).signer(CODER, new_attempt(clock))
    assert proxy.requests == []
