"""Explain a request without an answer: the host, and whether the name, the connection, the proxy or TLS failed.

    NoAnswerError
    ├── TooLargeError               the answer is larger than the limit
    └── NotConnectedError           no connection, so nothing was sent
        └── UnusableRouteError      only a change on this machine helps, for example of a proxy's URL
            ├── ProxyError      the proxy's URL is invalid, or the proxy refuses the host
            └── CertificateError    the host did not prove its name
                └── UnreadableBundleError    the file of authorities in the environment cannot be read

A plain `NoAnswerError` means that the request may have arrived, but the answer is missing or unusable.

The texts never quote a header, a body or the path of a URL, which may hold a credential.
"""

from __future__ import annotations

import socket
import ssl

MAX_CAUSES = 10


class NoAnswerError(Exception):
    """No usable answer; the text names the host and the cause."""


class TooLargeError(NoAnswerError):
    """The host answered with more bytes than any answer that the client asks for."""


class NotConnectedError(NoAnswerError):
    """No connection, so the request was not sent."""


class UnusableRouteError(NotConnectedError):
    """The environment's proxy or authorities prevent the connection; another attempt gets the same result."""


class ProxyError(UnusableRouteError):
    """The environment's proxy cannot be used: its URL is invalid, or it refuses to connect."""


class CertificateError(UnusableRouteError):
    """The host's certificate was not accepted."""


class UnreadableBundleError(CertificateError):
    """The environment names authorities that cannot be read."""


def cause(error: BaseException) -> str:
    """Return the innermost reason in two or three words: the system's sentence, else the exception's name."""
    innermost = error
    for _ in range(MAX_CAUSES):
        innermost = innermost.__cause__ or innermost.__context__ or innermost
    if isinstance(innermost, ssl.SSLError) and innermost.reason:
        return innermost.reason.lower().replace("_", " ")
    if isinstance(innermost, OSError) and innermost.strerror:
        return innermost.strerror
    return type(innermost).__name__


def not_connected(error: BaseException, host: str, *, proxy: str = "") -> NotConnectedError:
    """Explain a failed connection; `proxy` is `host:port` of the proxy, if any."""
    peer = f"the proxy {proxy}, on the way to {host}," if proxy else host
    if isinstance(error, socket.gaierror | UnicodeError):
        return NotConnectedError(f"the name of {peer} was not found ({cause(error)})")
    if isinstance(error, TimeoutError):
        return NotConnectedError(f"{peer} did not accept a connection in time")
    return NotConnectedError(f"the connection to {peer} failed ({cause(error)})")


def no_tls(error: Exception, host: str) -> NotConnectedError:
    """Explain a TLS handshake that failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        why = error.verify_message.rstrip(".")
        return CertificateError(f"the TLS certificate of {host} was not accepted ({why})")
    if isinstance(error, TimeoutError):
        return NotConnectedError(f"{host} did not finish the TLS handshake in time")
    return NotConnectedError(f"the TLS connection with {host} failed ({cause(error)})")
