"""Sign with App keys in Cloud KMS, which the mint cannot read.

Each signature is one call of ``asymmetricSign`` within the request's deadline. App JWTs are reused, so the mint
calls KMS about once in five minutes per App, not for each token.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import threading
from typing import TYPE_CHECKING

from mintcore.errors import InvalidRoleKey, KeyUnavailable, MintError, RoleKeyMissing
from mintcore.keys.crc32c import crc32c
from mintcore.keys.google_api import no_answer, no_key, reason_of, sentence_of
from mintcore.outbound.answer import OutboundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mintcore.clock import Clock
    from mintcore.keys.google_api import GoogleApi
    from mintcore.outbound.answer import Answer
    from mintcore.policy.names import Role
    from mintcore.ports import Signer
    from mintcore.request import RequestContext

# A failing KMS gets one call a second per role. A longer pause would fail mints after KMS has recovered.
HOLD_FAILURE_SECONDS = 1.0
_TRIES = 2
_OK = 200
_SETTING = "KMS_URL"
_MIN_SIGNATURE_BYTES = 256


class KmsKeys:
    """Signers for key versions, by role."""

    def __init__(self, versions: Mapping[Role, str], api: GoogleApi, clock: Clock) -> None:
        self.versions = versions
        self._api = api
        self._clock = clock
        self._failures: dict[Role, tuple[float, KeyUnavailable]] = {}
        self._lock = threading.Lock()

    def signer(self, role: Role, context: RequestContext) -> Signer:
        """Return a signer for this request; signing raises RoleKeyMissing, KeyUnavailable or InvalidRoleKey."""
        return _KmsSigner(self, role, context)

    def key_version(self, role: Role) -> str:
        """Return the Cloud KMS key version, whose key never changes."""
        return self.versions[role]

    def forget(self, role: Role) -> None:
        """Call KMS again next time, although it has just failed."""
        with self._lock:
            self._failures.pop(role, None)

    def warm(self, context: RequestContext) -> None:
        """Get the access token before the first signature. Raises KeyUnavailable."""
        self._api.sign_in(context)

    def sign(self, role: Role, message: bytes, context: RequestContext) -> bytes:
        """Return the RS256 signature of ``message``. Raises the failures of :meth:`signer`."""
        with self._lock:
            until, failure = self._failures.get(role, (0.0, None))
        if failure is not None and self._clock.monotonic() < until:
            raise _again(failure)
        try:
            return self._signed(self.versions[role], message, context)
        except KeyUnavailable as error:
            # The request's own deadline passed: this is not a failure of KMS.
            if context.deadline.remaining() > 0:
                with self._lock:
                    self._failures[role] = self._clock.monotonic() + HOLD_FAILURE_SECONDS, _again(error)
            raise

    def _signed(self, version: str, message: bytes, context: RequestContext) -> bytes:
        """Return a signature whose checksums match, after one more try if they do not (Google: data integrity)."""
        digest = hashlib.sha256(message).digest()
        digest_text = base64.b64encode(digest).decode()
        body = json.dumps({"digest": {"sha256": digest_text}, "digestCrc32c": str(crc32c(digest))}).encode()
        problem = ""
        for _ in range(_TRIES):
            answer = self._post(version, body, context)
            if answer.status != _OK:
                raise _failure(answer, version)
            signature, problem = _checked(answer, version)
            if not problem:
                return signature
        raise KeyUnavailable(detail=f"Cloud KMS key {version}: {problem}")

    def _post(self, version: str, body: bytes, context: RequestContext) -> Answer:
        try:
            return self._api.call("POST", f"/v1/{version}:asymmetricSign", context, body)
        except OutboundError as error:
            raise no_answer(error, f"Cloud KMS key {version}") from None


def _again(failure: KeyUnavailable) -> KeyUnavailable:
    """Return the failure without its traceback, which would keep the failed request alive."""
    return type(failure)(failure.public, detail=failure.detail, retry_after=failure.retry_after)


class _KmsSigner:
    """Signs for one request."""

    def __init__(self, keys: KmsKeys, role: Role, context: RequestContext) -> None:
        self._keys = keys
        self._role = role
        self._context = context

    def sign(self, message: bytes) -> bytes:
        """Return the RS256 signature of ``message`` (RFC 7518 §3.3)."""
        return self._keys.sign(self._role, message, self._context)


def _checked(answer: Answer, version: str) -> tuple[bytes, str]:
    """Return the signature and what is wrong with the answer (Cloud KMS: Verifying end-to-end data integrity)."""
    try:
        fields = answer.json_object()
        signature = base64.b64decode(str(fields.get("signature", "")), validate=True)
    except (OutboundError, binascii.Error, ValueError):
        return b"", "its answer is not a signature"
    # Google answers with the project's id or number, whichever was sent; everything after it names the key.
    if str(fields.get("name", "")).split("/")[2:] != version.split("/")[2:]:
        return b"", "it signed with another key (name)"
    if fields.get("verifiedDigestCrc32c") is not True:
        return b"", "the digest was damaged on the way (verifiedDigestCrc32c)"
    if str(fields.get("signatureCrc32c", "")) != str(crc32c(signature)):
        return b"", "the signature was damaged on the way (signatureCrc32c)"
    if len(signature) < _MIN_SIGNATURE_BYTES:
        raise InvalidRoleKey(
            detail=f"Cloud KMS key {version} is not an RSA key of 2048 bits or more; GitHub needs "
            "RSA_SIGN_PKCS1_2048_SHA256 or larger"
        )
    return signature, ""


def _failure(answer: Answer, version: str) -> MintError:
    """Return the failure for a refusal, with Google's sentence for the operator's log."""
    where, reason = f"Cloud KMS key {version}", sentence_of(answer)
    match answer.status, reason_of(answer):
        case 404, "NOT_FOUND":
            return RoleKeyMissing(detail=f"{where} does not exist: {reason}")
        case 400, "FAILED_PRECONDITION":
            return RoleKeyMissing(detail=f"{where} is disabled, destroyed or not ready: {reason}")
        case 400, "INVALID_ARGUMENT":
            return InvalidRoleKey(detail=f"{where} cannot sign RS256: {reason}")
    return no_key(answer, where, _SETTING)
