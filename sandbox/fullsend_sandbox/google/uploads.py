"""Emulate Cloud Storage for sources: `PUT` to and `GET` from the signed URLs of Cloud Functions.

The signature is in the URL, so credentials are refused, and so is any other content type than the one signed.
"""

import secrets
import threading
from dataclasses import dataclass

from werkzeug.wrappers import Request, Response

from fullsend_sandbox.clock import Clock
from fullsend_sandbox.google.kills import BudgetedFaults, WriteBudget
from fullsend_sandbox.loopback import LoopbackService

LIFETIME = 30 * 60
CONTENT_TYPE = "application/zip"
MAX_UPLOADS = 1000


@dataclass
class _Upload:
    signature: str
    expires_at: float
    data: bytes | None = None
    readable_with: str = ""
    """The signature of the newest URL to download it from."""


class Uploads(LoopbackService):
    """The bucket to which sources go."""

    def __init__(self, bucket: str, *, budget: WriteBudget, clock: Clock) -> None:
        super().__init__("google-storage", self._ask, clock=clock)
        self.faults = BudgetedFaults(budget)
        self.bucket = bucket
        self._lock = threading.Lock()
        self._uploads: dict[str, _Upload] = {}

    def offer(self) -> tuple[str, str]:
        """Return a signed URL that is valid for 30 minutes, and the object that it writes."""
        name, signature = f"{secrets.token_hex(16)}.zip", secrets.token_hex(32)
        with self._lock:
            if len(self._uploads) >= MAX_UPLOADS:
                del self._uploads[next(iter(self._uploads))]
            self._uploads[name] = _Upload(signature, self.clock() + LIFETIME)
        return f"{self.url}/{self.bucket}/{name}?X-Goog-Signature={signature}", name

    def offer_download(self, name: str) -> str:
        """Return a signed URL from which an uploaded object can be downloaded."""
        signature = secrets.token_hex(32)
        with self._lock:
            self._uploads[name].readable_with = signature
        return f"{self.url}/{self.bucket}/{name}?X-Goog-Signature={signature}"

    def uploaded(self, bucket: str, name: str) -> bytes | None:
        """Return the upload, or None before it."""
        with self._lock:
            upload = self._uploads.get(name) if bucket == self.bucket else None
            return None if upload is None else upload.data

    def _ask(self, request: Request) -> Response:
        bucket, _, name = request.path.removeprefix("/").partition("/")
        with self._lock:
            upload = self._uploads.get(name) if bucket == self.bucket else None
        if request.method not in {"PUT", "GET"} or upload is None:
            return _refusal(404, "NoSuchKey", "The specified key does not exist.")
        if "Authorization" in request.headers:
            return _refusal(400, "InvalidArgument", "A signed URL must not be sent with an Authorization header.")
        signature = request.args.get("X-Goog-Signature", "")
        if request.method == "GET":
            readable = upload.readable_with and signature == upload.readable_with
            denied = _refusal(403, "SignatureDoesNotMatch", "Access denied.")
            return Response(upload.data, content_type=CONTENT_TYPE) if readable else denied
        signed = signature == upload.signature
        if not signed or request.mimetype != CONTENT_TYPE:
            return _refusal(
                403,
                "SignatureDoesNotMatch",
                "Access denied. The request signature we calculated does not match the signature you provided: "
                f"check the URL and that the content type is {CONTENT_TYPE}.",
            )
        if self.clock() > upload.expires_at:
            return _refusal(400, "ExpiredToken", "Invalid argument. The signed URL has expired.")
        upload.data = request.get_data()
        return Response(status=200)


def _refusal(status: int, code: str, message: str) -> Response:
    body = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Response(body, status=status, content_type="application/xml; charset=UTF-8")
