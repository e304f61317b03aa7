"""Define the issuers whose tokens are accepted, and the properties of each kind of issuer.

``fullsend`` reads and writes ISSUERS with these types too. The kinds themselves are in
:mod:`mintcore.policy.kinds`.
"""

from __future__ import annotations

import enum
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from mintcore.policy.caller import Job

ISSUER_KEYS = ("kind", "url", "audience", "jwks_file")
_NAME = re.compile(r"[a-z](?:-?[a-z0-9])+")
_NAME_LENGTHS = range(2, 29)


class Use(enum.Flag):
    """How the mint uses a claim. A claim that is only ``KEPT`` can be used in REQUIRED_CLAIMS."""

    KEPT = 0
    CHECKED = enum.auto()
    """Checked for every token: issuer, audience and times."""
    MATCH = enum.auto()
    """An entry of CALLERS can match it."""
    AUDIT = enum.auto()
    """It goes to the audit event."""
    COUNTED = enum.auto()
    """It counts the mints of a token."""


class Kind(NamedTuple):
    """A kind of issuer.

    ``algorithms`` lists the JWS algorithms (RFC 7518 §3.1) of its signatures. ``claims`` lists each claim that the
    system documents. ``identities`` are sets of claims: an entry pins the project if it has an exact value for
    every claim of one set, or a ``sub`` that ``subject`` matches. ``job`` reads a token's claims after issuer,
    audience and times were checked; it is ``None`` for GitHub, because its tokens name their repository. ``advice``
    returns a warning about a ``match`` that admits too many jobs, or an empty string. ``aliases`` maps a claim and
    a prefix of its value to the claim that such a value belongs to. ``has_token_id`` tells whether its tokens have
    a ``jti``.
    """

    name: str
    algorithms: frozenset[str]
    claims: Mapping[str, Use]
    identities: tuple[tuple[str, ...], ...] = ()
    subject: str = ""
    aliases: Mapping[tuple[str, str], str] = MappingProxyType({})
    job: Callable[[Mapping[str, Any], str], Job] | None = None
    advice: Callable[[Mapping[str, str]], str] | None = None
    has_token_id: bool = True

    @property
    def is_github(self) -> bool:
        """Whether its tokens name their repository themselves."""
        return self.job is None

    @property
    def matchable(self) -> frozenset[str]:
        """The claims that an entry of CALLERS can match."""
        return frozenset(name for name, use in self.claims.items() if Use.MATCH in use)

    @property
    def identity(self) -> frozenset[str]:
        """The claims that name a project."""
        names = {name for together in self.identities for name in together}
        return frozenset(names | {"sub"}) if self.subject else frozenset(names)

    @property
    def identities_text(self) -> str:
        """The sets of claims that pin a project, in words."""
        return ", or ".join(" and ".join(names) for names in self.identities)

    def pins(self, match: Mapping[str, str]) -> bool:
        """Return whether a ``match`` names one project exactly."""
        if self.subject and re.fullmatch(self.subject, match.get("sub", "")):
            return True
        return any(all(not match.get(name, "*").endswith("*") for name in names) for names in self.identities)

    def alias(self, claim: str, value: object) -> str:
        """Return the claim that ``value`` belongs to; for some values it differs from ``claim``."""
        for (name, prefix), other in self.aliases.items():
            if claim == name and isinstance(value, str) and value.startswith(prefix):
                return other
        return claim


class Issuer(NamedTuple):
    """An issuer. ``name`` is its key in ISSUERS, empty for OIDC_ISSUER_URL.

    ``url`` is the exact ``iss`` of its tokens. ``jwks_file`` is the path of its key set, empty if the mint fetches
    the keys.
    """

    name: str
    kind: Kind
    url: str
    audience: str
    jwks_file: str = ""

    @property
    def provider_id(self) -> str:
        """The id of its workload identity provider; empty for OIDC_ISSUER_URL: it depends on the repository."""
        return issuer_provider_id(self.name) if self.name else ""

    def fields(self) -> dict[str, str]:
        """Return the issuer as it is written in ISSUERS."""
        written = {"kind": self.kind.name, "url": self.url, "audience": self.audience}
        return {**written, "jwks_file": self.jwks_file} if self.jwks_file else written


def is_issuer_name(text: str) -> bool:
    """Return whether ISSUERS can have the name."""
    return _NAME.fullmatch(text) is not None and len(text) in _NAME_LENGTHS


def parse_issuer_name(text: str) -> str:
    """Return an issuer's name, or raise ``ValueError``."""
    if not is_issuer_name(text):
        raise ValueError(
            "an issuer's name has 2 to 28 lowercase letters, digits and '-'; it begins with a letter, does not "
            "end with '-' and does not contain '--'"
        )
    return text


def issuer_provider_id(name: str) -> str:
    """Return the id of the workload identity provider of the issuer ``name``; at most 32 characters."""
    return f"ci-{name}"
