"""Check whether an OIDC issuer publishes a usable discovery document (OpenID Connect Discovery 1.0, §4)."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

from fullsend.net.answer import one_line
from fullsend.net.failures import NoAnswerError
from fullsend.net.transport import Transport
from fullsend.net.urls import is_loopback

SECONDS = 10.0
MAX_BODY = 65536
INTERNAL = (".svc", ".local", ".internal", ".localdomain", ".lan", ".home.arpa")
PATH = "/.well-known/openid-configuration"


def is_internal(url: str) -> bool:
    """Whether a URL's host exists only in a private network: RFC 1918, RFC 6761, RFC 6762, a cluster's names.

    Loopback does not count, because the sandbox's issuers are on it.
    """
    host = (urlsplit(url).hostname or "").rstrip(".")
    if is_loopback(host):
        return False
    try:
        return not ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith(INTERNAL)


@dataclass(frozen=True, slots=True)
class Discovery:
    """Why an issuer's document cannot be used, or why there was no answer; both empty if it can be used."""

    refused: str = ""
    unreachable: str = ""


def read_discovery(url: str, seconds: float = SECONDS) -> Discovery:
    """Read an issuer's discovery document within these seconds. Its answers never cause an exception."""
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
