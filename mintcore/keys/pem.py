r"""Describe what is wrong with a file that should be a private key in PEM, without quoting it.

Line breaks may be written as ``\n``, as JSON, YAML and environment variables do.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_BEGIN = b"-----BEGIN "
_BASE64 = re.compile(rb"[A-Za-z0-9+/=_\s-]+")
_FINGERPRINT = re.compile(rb"(?:SHA256:)?[A-Za-z0-9+/]{43}=?|(?:[0-9a-fA-F]{2}:){15,31}[0-9a-fA-F]{2}")
_CLIENT_SECRET = re.compile(rb"[0-9a-f]{40}")
_CLIENT_ID = re.compile(rb"Iv(?:[0-9]\.[0-9a-f]{16}|[0-9A-Za-z]{16,22})")
_JSON = re.compile(rb"[{\[]")
_SEVERAL_KEYS = re.compile(rb"PRIVATE KEY-----.*-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----", re.DOTALL)
_PUBLIC_KEY = re.compile(rb"-----BEGIN (?:RSA )?PUBLIC KEY-----")
_CERTIFICATE = re.compile(rb"\A(?!.*PRIVATE KEY-----).*CERTIFICATE-----", re.DOTALL)
_NO_PRIVATE_KEY = re.compile(rb"(?!.*PRIVATE KEY-----)", re.DOTALL)
_NO_END = re.compile(rb"(?!.*-----END)", re.DOTALL)
_DOWNLOAD = "store the private key (.pem) that GitHub offers for download in the App's settings"


def normalize(text: bytes) -> bytes:
    r"""Return ``text`` with the characters ``\n`` as line breaks, without byte order mark and outer quotes."""
    text = text.removeprefix(b"\xef\xbb\xbf").strip(b" \t\r\n\0")
    if b"\\n" in text and text[:1] == text[-1:] and text[:1] in {b'"', b"'"}:
        text = text[1:-1]
    if b"\\n" in text and _BEGIN in text:
        text = text.replace(b"\\r", b"").replace(b"\\n", b"\n")
    return text


def describe_problem(text: bytes) -> str:
    """Return the problem with ``text``, worded to follow "the key"; empty if it may be a key."""
    if not text:
        return "is empty"
    kinds = _NOT_PEM if _BEGIN not in text else _PEM
    return next((problem for applies, problem in kinds if applies(text)), "")


def _is_wrapped(text: bytes) -> bool:
    if not _BASE64.fullmatch(text):
        return False
    try:
        return _BEGIN in base64.b64decode(b"".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return False


def _is_url_encoded(text: bytes) -> bool:
    return any(mark in text for mark in (b"-----BEGIN%20", b"-----BEGIN+", b"%2D%2DBEGIN", b"%2d%2dBEGIN"))


_NOT_PEM: tuple[tuple[Callable[[bytes], object], str], ...] = (
    (_is_url_encoded, "is not in PEM form: it is URL-encoded PEM; store the decoded text"),
    (_JSON.match, f"is not in PEM form: it is JSON; {_DOWNLOAD}"),
    (_FINGERPRINT.fullmatch, f"is not in PEM form: it is a fingerprint, which only identifies a key; {_DOWNLOAD}"),
    (_CLIENT_SECRET.fullmatch, f"is not in PEM form: it is a client secret (40 hexadecimal digits); {_DOWNLOAD}"),
    (_CLIENT_ID.fullmatch, f"is not in PEM form: it is a client ID; {_DOWNLOAD}"),
    (_is_wrapped, "is not in PEM form: it is base64 of PEM; store the decoded text (base64 -d)"),
    (bool, f"is not in PEM form, which begins with five dashes and BEGIN; {_DOWNLOAD}"),
)
_PEM: tuple[tuple[Callable[[bytes], object], str], ...] = (
    (_JSON.match, f"is JSON with a PEM inside; {_DOWNLOAD}"),
    (_SEVERAL_KEYS.search, "is several private keys in one file; keep only the newest"),
    (_PUBLIC_KEY.search, f"is a public key; {_DOWNLOAD}"),
    (_CERTIFICATE.search, f"is a certificate; {_DOWNLOAD}"),
    (_NO_PRIVATE_KEY.match, f"is PEM of an unknown kind; {_DOWNLOAD}"),
    (_NO_END.match, "is cut off: its last line, five dashes and END, is missing"),
)
