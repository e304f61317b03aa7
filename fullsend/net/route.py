"""Read from the environment which proxy and which certificate authorities a request uses.

It reads the variables of curl and requests: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY` in either case,
lower case first; `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE`, and OpenSSL's own `SSL_CERT_FILE` and `SSL_CERT_DIR`. A
request to loopback never uses a proxy. A `.netrc` is never read.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import certifi

from fullsend.net.failures import ProxyError, UnreadableBundleError
from fullsend.net.urls import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.net.origin import Origin

BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy; `authorization` is the value of `Proxy-Authorization`, empty without a password."""

    host: str
    port: int
    authorization: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def fields(self) -> dict[str, str]:
        """Return the header fields for the proxy itself."""
        return {"Proxy-Authorization": self.authorization} if self.authorization else {}


def proxy_for(origin: Origin, environ: Mapping[str, str]) -> Proxy | None:
    """Return the proxy for an origin, None for a direct connection. Raises `ProxyError` for a wrong URL."""
    # Attack: a proxy must not see the credential for a mint or an emulator on this machine, which it cannot reach
    # anyway.
    if is_loopback(origin.host) or _excluded(origin.host, origin.port, _value(environ, "no_proxy")):
        return None
    for name in ("https_proxy" if origin.secure else "http_proxy", "all_proxy"):
        # Attack: in CGI, a client's `Proxy` header sets HTTP_PROXY (CVE-2016-5388).
        lower_only = name == "http_proxy" and "REQUEST_METHOD" in environ
        url = environ.get(name, "").strip() if lower_only else _value(environ, name)
        if url:
            return _parsed(url, name.upper())
    return None


def trusted_authorities(environ: Mapping[str, str]) -> ssl.SSLContext:
    """Return a client context that checks certificates against the environment's authorities.

    Without a bundle in the environment it uses the system's authorities and those of certifi. Raises
    `UnreadableBundleError`.
    """
    for name in BUNDLES:
        bundle = environ.get(name, "").strip()
        if bundle:
            return _context(name, bundle)
    context = ssl.create_default_context()
    if not any(environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")):
        context.load_verify_locations(cafile=certifi.where())
    return context


def _context(name: str, bundle: str) -> ssl.SSLContext:
    try:
        folder = Path(bundle).is_dir()
        return ssl.create_default_context(cafile=None if folder else bundle, capath=bundle if folder else None)
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        why = error.strerror if isinstance(error, OSError) and error.strerror else "no certificate in it"
        raise UnreadableBundleError(f"{name} names {bundle!r}, which cannot be read ({why})") from error


def _value(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name, environ.get(name.upper(), "")).strip()


def _parsed(url: str, name: str) -> Proxy:
    # The URL may hold a password, so no message repeats it.
    refusal = ProxyError(f"{name} must be a proxy URL, http://host:port; other kinds of proxy do not work")
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise refusal from None
    if parts.scheme != "http" or not host:
        raise refusal
    authorization = ""
    if parts.username is not None:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        authorization = "Basic " + b64encode(credentials).decode()
    return Proxy(host, port or 80, authorization)


def _excluded(host: str, port: int, no_proxy: str) -> bool:
    return any(_covers(entry, host.lower(), port) for entry in re.split(r"[,\s]+", no_proxy.lower()) if entry)


def _covers(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:  # one of the two is a name
        name, colon, wanted = entry.rpartition(":")
        if colon and wanted.isdigit():
            entry = name.strip("[]")
            if int(wanted) != port:
                return False
        bare = entry.removeprefix("*").removeprefix(".")
        return bool(bare) and (host == bare or host.endswith(f".{bare}"))
