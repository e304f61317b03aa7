"""Signing with Cloud KMS: what is sent, what is checked, and what each failure becomes."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.wrappers import Request, Response

from fullsend_sandbox.kms import KeyManagement
from fullsend_sandbox.loopback import LoopbackService
from mintcore.errors import InvalidRoleKey, KeyRefused, KeyUnavailable, MintError, RoleKeyMissing
from mintcore.keys.crc32c import crc32c
from mintcore.keys.google_api import GoogleApi
from mintcore.keys.kms import KmsKeys, _checked
from mintcore.outbound.answer import Answer
from mintcore.outbound.channel import Outbound
from mintcore.policy.names import parse_role
from mintcore.secret import Secret
from tests.mint_doubles import FakeClock, new_attempt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from fullsend_sandbox.keys import KeyPool
    from mintcore.request import RequestContext

TRIAGE = parse_role("triage")
VERSION = "projects/octo-project/locations/us-central1/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1"
SIGNATURE = bytes(256)


@dataclass
class Tokens:
    """Returns tokens; after a refusal, the next one."""

    forgotten: list[str] = field(default_factory=list)

    def token(self, _context: RequestContext) -> Secret:
        return Secret(f"ya29.{len(self.forgotten)}")

    def forget(self, token: Secret) -> None:
        self.forgotten.append(token.reveal())


def keys_at(url: str, clock: FakeClock, version: str = VERSION, tokens: Any = None) -> KmsKeys:
    channel = Outbound(clock, connections=2, jitter=lambda: 0.0).channel("kms", url)
    return KmsKeys({TRIAGE: version}, GoogleApi(channel, tokens), clock)


@pytest.fixture
def key(rsa_keys: KeyPool) -> RSAPrivateKey:
    rsa_keys.rewind()
    return rsa_keys.next_key()


@pytest.fixture
def kms() -> Iterator[KeyManagement]:
    with KeyManagement("123456789012", "octo-project") as running:
        yield running


@pytest.fixture
def stored(kms: KeyManagement, key: RSAPrivateKey) -> str:
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return kms.put("triage", pem)


def failure_of(keys: KmsKeys, clock: FakeClock, seconds: float = 25.0) -> MintError:
    with pytest.raises(MintError) as failed:
        keys.signer(TRIAGE, new_attempt(clock, seconds)).sign(b"message")
    return failed.value


def test_a_signature_is_the_keys_own(kms: KeyManagement, stored: str, key: RSAPrivateKey) -> None:
    clock = FakeClock()
    context = new_attempt(clock)
    signature = keys_at(kms.url, clock, stored).signer(TRIAGE, context).sign(b"message")
    key.public_key().verify(signature, b"message", PKCS1v15(), hashes.SHA256())
    assert context.upstream_calls == {"kms": 1}
    [sent] = kms.traffic
    body = json.loads(sent.body)
    digest = base64.b64decode(body["digest"]["sha256"])
    assert body["digestCrc32c"] == str(crc32c(digest))
    assert "authorization" not in sent.headers


def test_a_version_named_by_the_projects_number_is_the_same_key(kms: KeyManagement, stored: str) -> None:
    clock = FakeClock()
    by_number = stored.replace("octo-project", "123456789012")
    assert keys_at(kms.url, clock, by_number).signer(TRIAGE, new_attempt(clock)).sign(b"message")


@pytest.mark.parametrize(
    ("state", "kind", "said"),
    [
        ("DISABLED", RoleKeyMissing, "disabled, destroyed or not ready"),
        ("DESTROYED", RoleKeyMissing, "current state is: DESTROYED"),
        ("PENDING_IMPORT", RoleKeyMissing, "PENDING_IMPORT"),
    ],
)
def test_a_version_that_is_not_enabled_has_no_key(
    kms: KeyManagement, stored: str, state: str, kind: type[MintError], said: str
) -> None:
    kms.set_state(stored, state)
    failure = failure_of(keys_at(kms.url, FakeClock(), stored), FakeClock())
    assert isinstance(failure, kind)
    assert said in failure.detail


def test_a_missing_version_a_denied_one_and_a_wrong_algorithm_are_told_apart(
    kms: KeyManagement, stored: str
) -> None:
    clock = FakeClock()
    missing = failure_of(keys_at(kms.url, clock, stored[:-1] + "9"), clock)
    assert isinstance(missing, RoleKeyMissing)
    kms.deny(kms.key_name("triage"))
    keys = keys_at(kms.url, clock, stored)
    denied = failure_of(keys, clock)
    assert isinstance(denied, KeyRefused)
    assert isinstance(failure_of(keys, clock), KeyRefused), "the held failure lasts as well"
    assert "cloudkms.cryptoKeyVersions.useToSign" in denied.detail
    kms.allow(kms.key_name("triage"))
    kms.versions[stored].algorithm = "RSA_SIGN_PKCS1_4096_SHA512"
    wrong = failure_of(keys_at(kms.url, clock, stored), clock)
    assert isinstance(wrong, InvalidRoleKey)
    assert "sha512" in wrong.detail


def good(**changes: Any) -> dict[str, Any]:
    return {
        "signature": base64.b64encode(SIGNATURE).decode(),
        "signatureCrc32c": str(crc32c(SIGNATURE)),
        "verifiedDigestCrc32c": True,
        "name": VERSION,
    } | changes


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"signatureCrc32c": "1"}, "signatureCrc32c"),
        ({"signatureCrc32c": None}, "signatureCrc32c"),
        ({"verifiedDigestCrc32c": False}, "verifiedDigestCrc32c"),
        ({"verifiedDigestCrc32c": "true"}, "verifiedDigestCrc32c"),
        ({"name": VERSION[:-1] + "2"}, "another key"),
        ({"name": None}, "another key"),
        ({"signature": "***"}, "not a signature"),
    ],
)
def test_an_answer_whose_checks_fail_is_asked_for_once_more_and_then_unavailable(
    change: dict[str, Any], said: str
) -> None:
    clock = FakeClock()
    with answering(lambda _: Response(json.dumps(good(**change)))) as service:
        failure = failure_of(keys_at(service.url, clock), clock)
        assert isinstance(failure, KeyUnavailable)
        assert said in failure.detail
        assert len(service.traffic) == 2


def test_a_damaged_answer_is_followed_by_a_good_one() -> None:
    clock, answers = FakeClock(), [good(signatureCrc32c="1"), good()]
    with answering(lambda _: Response(json.dumps(answers.pop(0)))) as service:
        assert keys_at(service.url, clock).signer(TRIAGE, new_attempt(clock)).sign(b"m") == SIGNATURE


def test_a_signature_that_no_rsa_key_makes_is_an_invalid_key() -> None:
    short = bytes(72)
    answer = good(signature=base64.b64encode(short).decode(), signatureCrc32c=str(crc32c(short)))
    clock = FakeClock()
    with answering(lambda _: Response(json.dumps(answer))) as service:
        failure = failure_of(keys_at(service.url, clock), clock)
    assert isinstance(failure, InvalidRoleKey)
    assert "RSA_SIGN_PKCS1_2048_SHA256" in failure.detail


def test_a_refused_access_token_is_replaced_once() -> None:
    clock, tokens = FakeClock(), Tokens()

    def app(request: Request) -> Response:
        if request.headers["Authorization"] == "Bearer ya29.0":
            return Response(json.dumps({"error": {"message": "expired"}}), 401)
        return Response(json.dumps(good()))

    with answering(app) as service:
        assert keys_at(service.url, clock, tokens=tokens).signer(TRIAGE, new_attempt(clock)).sign(b"m")
    assert tokens.forgotten == ["ya29.0"]


def test_a_failing_kms_is_called_once_a_second_and_waits_no_longer_than_the_request() -> None:
    clock = FakeClock()
    with answering(lambda _: Response("{}", 503)) as service:
        keys = keys_at(service.url, clock)
        assert isinstance(failure_of(keys, clock), KeyUnavailable)
        calls = len(service.traffic)
        assert isinstance(failure_of(keys, clock), KeyUnavailable)
        assert len(service.traffic) == calls
        keys.forget(TRIAGE)
        failure_of(keys, clock)
        assert len(service.traffic) > calls
        assert isinstance(failure_of(keys_at(service.url, clock), clock, seconds=0.0), KeyUnavailable)


def test_nothing_that_google_says_carries_a_key_into_the_log() -> None:
    pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"
    body = json.dumps({"error": {"message": f"no {pem}\n\x1b[2J", "status": "INTERNAL"}})
    clock = FakeClock()
    with answering(lambda _: Response(body, 403)) as service:
        detail = failure_of(keys_at(service.url, clock), clock).detail
    assert "MIIE" not in detail
    assert detail.isprintable()


@given(st.binary(max_size=400) | st.from_type(dict).map(lambda value: json.dumps(value, default=str).encode()))
def test_no_answer_that_was_not_checked_becomes_a_signature(body: bytes) -> None:
    signature, problem = _checked(Answer(200, {}, body), VERSION)
    assert (signature, bool(problem)) == (b"", True)


def answering(app: Callable[[Request], Response]) -> LoopbackService:
    return LoopbackService("kms", app)
