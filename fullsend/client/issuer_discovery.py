"""Check whether an OIDC issuer publishes what Google and the mint read: OpenID Connect Discovery 1.0, §4."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from fullsend.net.answer import one_line
from fullsend.net.failures import NoAnswerError
from fullsend.net.transport import Transport

SECONDS = 10.0
MAX_BODY = 65536
PATH = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Discovery:
    """Why an issuer's document cannot be used, or why there was no answer; both empty if it can be used."""

    refused: str = ""
    unreachable: str = ""


def read_discovery(url: str, seconds: float = SECONDS) -> Discovery:
    """Read an issuer's discovery document within these seconds. Never raises for its answers."""
    try:
        answer = Transport(max_body=MAX_BODY).exchange("GET", url.rstrip("/") + PATH, seconds=seconds)
    except NoAnswerError as error:
        return Discovery(unreachable=one_line(str(error)))
    if answer.status != HTTPStatus.OK:
        return Discovery(refused=f"{PATH} answers {answer.status}")
    try:
        document = answer.json_object()
    except ValueError as error:
        return Discovery(refused=one_line(str(error)))
    issuer = document.get("issuer")
    if issuer != url:
        return Discovery(refused=f"it names the issuer {one_line(ascii(issuer), limit=200)}")
    return Discovery() if isinstance(document.get("jwks_uri"), str) else Discovery(refused="it has no jwks_uri")
