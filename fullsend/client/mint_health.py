"""Check whether a mint answers at a URL: it must refuse a request without a token. Also read its version."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from fullsend.net.answer import one_line
from fullsend.net.failures import NoAnswerError
from fullsend.net.transport import Transport

if TYPE_CHECKING:
    from fullsend.net.answer import Answer

SECONDS = 15.0
MAX_BODY = 65536


@dataclass(frozen=True, slots=True)
class Health:
    """The result of the check; `details` is one line for the operator."""

    refuses: bool
    version: str
    details: str


def probe(url: str) -> Health:
    """Ask a mint for a token without a credential, and for its health. Never raises for its answers."""
    transport = Transport(max_body=MAX_BODY)
    try:
        token = transport.exchange("POST", f"{url}/v1/token", seconds=SECONDS, json={})
        health = transport.exchange("GET", f"{url}/health", seconds=SECONDS)
    except NoAnswerError as error:
        return Health(refuses=False, version="", details=f"no answer ({error})")
    version = _version(health)
    details = f"POST /v1/token answers {token.status}, /health {health.status} version {version or 'unknown'}"
    return Health(token.status == HTTPStatus.UNAUTHORIZED, version, details)


def _version(answer: Answer) -> str:
    try:
        return one_line(str(answer.json_object().get("version", "")))
    except ValueError:
        return ""
