"""Read the SHA-256 of a release's files from `SHA256SUMS` or from a build provenance. Pure.

It does not check signatures: `gh attestation verify` checks that the release workflow signed an attestation.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fullsend.operate.operate_errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_BYTES = 16 * 1024 * 1024
_LINE = re.compile(r"([0-9a-f]{64}) [ *](?:\./)?([^/\s][^/\n]*)")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def source_name(version: str) -> str:
    """Return the name of the file with a version's upload: `main.py`, `mintcore/` and `requirements.txt`."""
    return f"fullsend-mint-{version}-source.zip"


@dataclass(frozen=True, slots=True)
class ServedSource:
    """The source in Cloud Functions: its SHA-256 as `deploy` computes it, and its unexpected files."""

    sha256: str = ""
    others: tuple[str, ...] = ()
    unreadable: str = ""
    """Why it could not be read."""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Provenance:
    """The published digests and the serving source; `file` is the origin of the digests."""

    file: str
    digests: Mapping[str, str]
    served: ServedSource


def parse_digests(text: str, file: str) -> dict[str, str]:
    """Return the SHA-256 by file name. Raises BadInput for text that names no digest, or two for one file."""
    found: dict[str, str] = {}
    for name, digest in _attested(text) if text.lstrip().startswith("{") else _lines(text):
        if found.setdefault(name, digest) != digest:
            raise BadInput(f"{file} has two digests of {name}.", "Use the file of one release.")
    if not found:
        raise BadInput(
            f"{file} has no SHA-256 of a file.",
            "Give a release's SHA256SUMS, or an attestation: gh release download vVERSION --pattern SHA256SUMS",
        )
    return found


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        match = _LINE.fullmatch(line.strip())
        if match:
            yield match[2], match[1]


def _attested(text: str) -> Iterator[tuple[str, str]]:
    """Yield the subjects of in-toto statements: bare, in a DSSE envelope, or in Sigstore bundles, one a line."""
    for document in _documents(text):
        statement = _statement(document)
        subjects = statement.get("subject")
        for subject in subjects if isinstance(subjects, list) else []:
            name = subject.get("name") if isinstance(subject, dict) else None
            digests = subject.get("digest") if isinstance(subject, dict) else None
            digest = digests.get("sha256") if isinstance(digests, dict) else None
            if isinstance(name, str) and isinstance(digest, str) and _DIGEST.fullmatch(digest):
                yield name, digest


def _documents(text: str) -> list[Any]:
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError):
        pass
    documents = []
    for line in text.splitlines():
        try:
            documents.append(json.loads(line))
        except (ValueError, RecursionError):
            continue
    return documents


def _statement(document: Any) -> dict[str, Any]:
    if not isinstance(document, dict):
        return {}
    envelope = document.get("dsseEnvelope", document)
    payload = envelope.get("payload") if isinstance(envelope, dict) else None
    if payload is None:
        return document
    try:
        found = json.loads(base64.b64decode(payload, validate=True))
    except (TypeError, binascii.Error, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
