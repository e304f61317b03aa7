"""Check the URLs of the services that the mint calls; GitHub's API has its own rule."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def github_api_instead_of(url: str) -> str:
    """Return the probable URL if ``url`` cannot be GitHub's API; empty if it can.

    GitHub REST: ``https://api.github.com``, ``https://api.NAME.ghe.com`` for GHE.com, ``https://HOST/api/v3`` for a
    GitHub Enterprise Server. Any loopback address is accepted, for tests.
    """
    parts = urlsplit(url)
    host, path = (parts.hostname or "").lower(), parts.path.rstrip("/")
    if is_loopback(host):
        return ""
    if host in {"github.com", "www.github.com", "api.github.com"}:
        right = "https://api.github.com"
    elif host.endswith(".ghe.com"):
        right = f"https://{host if host.startswith('api.') else f'api.{host}'}"
    else:
        right = f"https://{parts.netloc}/api/v3"
    return "" if f"https://{parts.netloc.lower()}{path}" == right.lower() else right


def is_service_url(text: str) -> bool:
    """Return whether ``text`` is an https URL without user, query or fragment, or an http one to loopback."""
    try:
        parts = urlsplit(text)
        _ = parts.port
        # Fails as the resolver does for an empty label, or a label of more than 63 characters.
        (parts.hostname or "").encode("idna")
    except ValueError:
        return False
    # Checked in the text: urlsplit drops an empty query, fragment or user, which would still be sent.
    plain = (
        text.isascii() and text.isprintable() and "@" not in parts.netloc and not any(c in text for c in "?# \\")
    )
    if not parts.hostname or not plain:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
