"""Whether there is a mint at a URL: does it refuse a request without a token, and which version is it."""

from __future__ import annotations

from dataclasses import dataclass

import requests

from fullsend.client.transport import cause
from mintcore.version import VERSION

SECONDS = 15
LARGEST = 65536
UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class Health:
    """What was found; `said` is one line for the operator."""

    refuses: bool
    version: str
    said: str


def probe(url: str) -> Health:
    """Ask a mint for a token with nothing to show, and for its health. Never raises for what it answers."""
    headers = {"User-Agent": f"fullsend/{VERSION}"}
    try:
        with requests.Session() as session:
            token = session.post(
                f"{url}/v1/token", json={}, timeout=SECONDS, headers=headers, allow_redirects=False
            )
            health = session.get(f"{url}/health", timeout=SECONDS, headers=headers, allow_redirects=False)
    except requests.exceptions.RequestException as error:
        return Health(refuses=False, version="", said=f"no answer ({cause(error)})")
    version = _version(health)
    said = (
        f"POST /v1/token answers {token.status_code}, /health {health.status_code} version {version or 'unknown'}"
    )
    return Health(token.status_code == UNAUTHORIZED, version, said)


def _version(answer: requests.Response) -> str:
    if len(answer.content) > LARGEST:
        return ""
    try:
        body = answer.json()
    except ValueError:
        return ""
    return str(body.get("version", "")) if isinstance(body, dict) else ""
