"""One HTTP request with a bearer: bounded in time and size, never redirected.

Decides nothing about what an answer means, and does not retry.
"""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests
import requests.auth
import urllib3.exceptions

from mintcore.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

# GitHub describes each repository of a new token in kilobytes, and there may be 500.
MAX_BODY = 8 * 1024 * 1024
MAX_CAUSES = 10
CONNECT_SECONDS = 10.0
READ_SECONDS = 40.0
"""Longer than the 25 s in which a mint answers, so that its own `upstream_timeout` is heard."""


class NoAnswerError(Exception):
    """Nothing usable came back; the text names the host and the cause, never a credential."""


class CertificateError(NoAnswerError):
    """The host did not prove who it is."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers (names in any case) and body of an answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class _Bearer(requests.auth.AuthBase):
    """Sets the Authorization header last: a `~/.netrc` entry for the host would replace a plain header."""

    def __init__(self, token: str, scheme: str) -> None:
        self._value = f"{scheme} {token}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._value
        return request


def exchange(
    session: requests.Session,
    method: str,
    url: str,
    *,
    bearer: str,
    seconds: float,
    json: object = None,
    headers: Mapping[str, str] | None = None,
    scheme: str = "Bearer",
) -> Answer:
    """Send one request and read the whole answer within `seconds`.

    Raises `NoAnswerError`: no connection (`CertificateError` where that is why), no answer in time, or more than
    `MAX_BODY` bytes of it.
    """
    host = url.split("/")[2]
    ends = time.monotonic() + seconds
    try:
        with session.request(
            method,
            url,
            json=json,
            headers={"User-Agent": f"fullsend/{VERSION}", **(headers or {})},
            auth=_Bearer(bearer, scheme),
            timeout=(min(CONNECT_SECONDS, seconds), min(READ_SECONDS, seconds)),
            # Attack: a redirect would carry the credential to whichever host it names.
            allow_redirects=False,
            stream=True,
        ) as response:
            return Answer(response.status_code, response.headers, _read(response, ends, host))
    except requests.exceptions.SSLError as error:
        innermost = _innermost(error)
        if isinstance(innermost, ssl.SSLCertVerificationError):
            why = innermost.verify_message.rstrip(".")
            raise CertificateError(f"the TLS certificate of {host} was not accepted ({why})") from error
        raise NoAnswerError(f"there is no TLS connection with {host} ({cause(error)})") from error
    except requests.exceptions.ProxyError as error:
        raise NoAnswerError(f"the proxy on the way to {host} did not connect") from error
    except requests.exceptions.Timeout as error:
        raise NoAnswerError(f"{host} did not answer in time") from error
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
        raise NoAnswerError(f"the connection to {host} failed ({cause(error)})") from error


def _read(response: requests.Response, ends: float, host: str) -> bytes:
    body = bytearray()
    raw: Any = response.raw  # urllib3; `read1` gives what is there, so that a trickle meets the deadline
    while piece := raw.read1(65536, decode_content=True):
        body += piece
        if len(body) > MAX_BODY:
            raise NoAnswerError(f"{host} sent more than {MAX_BODY} bytes, which no mint and no GitHub does")
        if time.monotonic() > ends:
            raise NoAnswerError(f"{host} did not finish its answer in time")
    return bytes(body)


def cause(error: BaseException) -> str:
    """Name the innermost reason in two or three words, without the URL or headers that exceptions carry."""
    innermost = _innermost(error)
    text = innermost.strerror if isinstance(innermost, OSError) and innermost.strerror else None
    return text or type(innermost).__name__


def _innermost(error: BaseException) -> BaseException:
    innermost = error
    for _ in range(MAX_CAUSES):
        innermost = innermost.__cause__ or innermost.__context__ or innermost
    return innermost
