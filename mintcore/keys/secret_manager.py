"""Read App keys from Google Secret Manager: ``fullsend-{role}-app-pem``, version ``latest``.

It makes one documented REST call (``projects.secrets.versions.access``). Google's client library makes the same
call, but its import took a third of the time from start to first token (docs/adr/0046). The cryptography library is
imported only when the first key arrives, so the call starts before that import.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING

from mintcore.cache import ExpiringCache
from mintcore.errors import KeyUnavailable, MintError, RoleKeyMissing
from mintcore.keys.crc32c import crc32c
from mintcore.keys.google_api import no_answer, no_key, reason_of, sentence_of
from mintcore.outbound.answer import OutboundError, Unreachable, is_transient
from mintcore.request import Deadline

if TYPE_CHECKING:
    from mintcore.clock import Clock
    from mintcore.keys.google_api import GoogleApi
    from mintcore.keys.rsa import RsaSigner
    from mintcore.outbound.answer import Answer
    from mintcore.policy.names import Role
    from mintcore.ports import Helpers, Signer
    from mintcore.request import RequestContext

DEFAULT_URL = "https://secretmanager.googleapis.com"
FRESH_SECONDS = 300.0
STALE_SECONDS = 3600.0
# A failing Secret Manager gets one round of calls a second. A longer pause would fail mints after it has recovered.
HOLD_FAILURE_SECONDS = 1.0
_MAX_READ_SECONDS = 8.0
_BETWEEN_ROUNDS_SECONDS = 1.0
_OK = 200
_SETTING = "SECRET_MANAGER_URL"


class SecretManagerKeys:
    """Signers for the keys in one project's Secret Manager.

    Keys up to an hour old are served while a thread of ``helpers`` reads the newest version.
    """

    def __init__(
        self, api: GoogleApi, clock: Clock, *, project_number: str, helpers: Helpers | None = None
    ) -> None:
        self._api = api
        self._clock = clock
        self._project_number = project_number
        self._signers = ExpiringCache[str, "RsaSigner"](
            "signer",
            clock=clock,
            fresh_for=lambda _signer: FRESH_SECONDS,
            renew_for=lambda _signer: STALE_SECONDS - FRESH_SECONDS,
            stale_seconds=STALE_SECONDS,
            hold_failure_seconds=HOLD_FAILURE_SECONDS,
            max_entries=256,
            slow=lambda: KeyUnavailable(detail="waited for the App key until the time ran out"),
            helpers=helpers,
        )

    def signer(self, role: Role, context: RequestContext) -> Signer:
        """Return the role's signer. Raises RoleKeyMissing, KeyUnavailable or InvalidRoleKey."""

        def load(own: RequestContext) -> RsaSigner:
            pem = self._read(role, own)
            from mintcore.keys.rsa import parse_signer  # noqa: PLC0415 - see the module's docstring

            return parse_signer(pem, role)

        return self._signers.get(role, lambda: load(context), context, renew=load)

    def key_version(self, _role: Role) -> None:
        """Return ``None``: asking Google for the newest version costs as much as reading it."""

    def forget(self, role: Role) -> None:
        """Read the role's key again next time; the old signer serves while Secret Manager fails."""
        self._signers.expire(role)

    def _read(self, role: Role, context: RequestContext) -> bytes:
        """Return the newest version's PEM."""
        secret = f"fullsend-{role}-app-pem"
        path = f"/v1/projects/{self._project_number}/secrets/{secret}/versions/latest:access"
        deadline = Deadline(self._clock, min(_MAX_READ_SECONDS, context.deadline.remaining()))
        try:
            answer = self._access(path, replace(context, deadline=deadline))
        except OutboundError as error:
            raise no_answer(error, f"secret {secret}") from None
        if answer.status != _OK:
            raise _failure(answer, secret)
        return content_of(answer, secret)

    def _access(self, path: str, context: RequestContext) -> Answer:
        """Return the answer; while Secret Manager fails, call again until the time runs out."""
        while True:
            try:
                answer = self._api.call("GET", path, context)
            except Unreachable:
                if context.deadline.remaining() <= _BETWEEN_ROUNDS_SECONDS:
                    raise
            else:
                if not is_transient(answer.status) or context.deadline.remaining() <= _BETWEEN_ROUNDS_SECONDS:
                    return answer
            self._clock.sleep(_BETWEEN_ROUNDS_SECONDS)


def content_of(answer: Answer, secret: str) -> bytes:
    """Return the secret's content if it matches its checksum. Raises KeyUnavailable.

    Google: AccessSecretVersionResponse, SecretPayload. A damaged key must not be cached for an hour.
    """
    try:
        payload = answer.json_object()["payload"]
        if not isinstance(payload, dict) or not isinstance(payload["data"], str):
            raise TypeError  # noqa: TRY301 - one sentence for every form that is not a secret
        content = base64.b64decode(payload["data"], validate=True)
        # Google's JSON writes int64 as a string, and may leave out a field without a value.
        checksum = int(payload.get("dataCrc32c") or 0)
    except (OutboundError, KeyError, TypeError, ValueError):
        raise KeyUnavailable(detail=f"secret {secret}: Secret Manager's answer is not a secret") from None
    if checksum and crc32c(content) != checksum:
        raise KeyUnavailable(detail=f"secret {secret}: the content does not match its checksum (dataCrc32c)")
    return content


def _failure(answer: Answer, secret: str) -> MintError:
    """Return the failure for a refusal, with Google's sentence for the operator's log."""
    said = sentence_of(answer)
    match answer.status, reason_of(answer):
        case 404, "NOT_FOUND":
            return RoleKeyMissing(detail=f"secret {secret} does not exist or has no version: {said}")
        case 400, "FAILED_PRECONDITION":
            return RoleKeyMissing(detail=f"the latest version of secret {secret} is disabled or destroyed: {said}")
    return no_key(answer, f"secret {secret}", _SETTING)
