"""Check that a credential may be sent to a URL: https anywhere, http only on loopback."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from mintcore.settings.service_url import is_loopback

__all__ = ["UnsafeUrlError", "credential_url", "is_address", "is_loopback"]


class UnsafeUrlError(ValueError):
    """A credential must not be sent to this URL; the text says why and gives an example."""


def credential_url(url: str, *, what: str, example: str) -> str:
    """Return the URL without trailing slashes if a credential may be sent there.

    Raises `UnsafeUrlError`, which names `what` the URL is for and an example.
    """
    # Attack: over plain http, anyone on the path could read the OIDC token and mint with it.
    problem = _problem(url)
    if problem:
        raise UnsafeUrlError(f"{what} {problem}, for example {example}")
    return url.rstrip("/")


def is_address(host: str) -> bool:
    """Return whether a host is an IP address, which needs no name lookup."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _problem(url: str) -> str:
    if not url.isascii() or not url.isprintable() or " " in url or not url:
        return "is empty or has characters that a URL cannot have"
    # The part before an @ may be a password.
    shown = "" if "@" in url else f"{url[:200]!r} "
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return f"{shown}is not a URL"
    if parts.username is not None or parts.password is not None:
        return "must not contain a user name or a password; give the bare URL"  # the URL is not echoed
    if parts.query or parts.fragment:
        return "must not have a ? or # part; give the bare URL"
    if host and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))):
        return ""
    return f"{shown}must begin with https:// (http only on a loopback address)"
