"""Give each issuer its keys: fetched from the issuer, or read from the file that its ``jwks_file`` names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mintcore.errors import IssuerUnavailable
from mintcore.keys.regular_file import read_regular_file
from mintcore.settings.environment import ConfigurationError
from mintcore.verify.chain import TrustedIssuer
from mintcore.verify.jwks import IssuerKeys

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mintcore.clock import Clock
    from mintcore.outbound.channel import Outbound
    from mintcore.policy.issuers import Issuer
    from mintcore.ports import Helpers
    from mintcore.verify.key_sets import FixedKeys

_MAX_FILE = 1024 * 1024


def read_key_files(issuers: Sequence[Issuer]) -> Mapping[str, FixedKeys]:
    """Return the keys of every issuer with a ``jwks_file``, by its name.

    Raises ConfigurationError with every file that cannot be used.
    """
    keys: dict[str, FixedKeys] = {}
    problems = []
    for issuer in issuers:
        if not issuer.jwks_file:
            continue
        try:
            keys[issuer.name] = _read(issuer)
        except (OSError, ValueError, RecursionError, IssuerUnavailable) as error:
            problems.append(
                f'ISSUERS names for "{issuer.name}" the jwks_file {issuer.jwks_file}, which cannot be used: '
                f"{_reason(error)}. Fix: write the issuer's JSON Web Key Set there, for a cluster with: "
                "kubectl get --raw /openid/v1/jwks"
            )
    if problems:
        raise ConfigurationError(problems)
    return keys


def trust_issuers(
    issuers: Sequence[Issuer],
    files: Mapping[str, FixedKeys],
    outbound: Outbound,
    clock: Clock,
    *,
    fetch_seconds: float,
    threads: int,
    renewed_seconds: float = 0.0,
    helpers: Helpers | None = None,
) -> list[TrustedIssuer]:
    """Return each issuer with separate keys, so its outage and its unknown key ids affect no other issuer.

    All issuers that do not answer occupy together at most half of the ``threads`` that serve requests.
    """
    share = threads // (2 * max(1, sum(not issuer.jwks_file for issuer in issuers)))
    return [
        TrustedIssuer(
            issuer,
            files[issuer.name]
            if issuer.jwks_file
            else IssuerKeys(
                issuer.url,
                outbound,
                clock,
                name=issuer.name,
                fetch_seconds=fetch_seconds,
                renewed_seconds=renewed_seconds,
                helpers=helpers,
                algorithms=issuer.kind.algorithms,
                # GitHub's tokens must not depend on the time of another issuer.
                sets_clock=issuer.kind.is_github,
                like_github=issuer.kind.is_github,
                # In addition to the waiting requests, one request loads.
                max_waiting=max(1, share - 1),
            ),
        )
        for issuer in issuers
    ]


def _read(issuer: Issuer) -> FixedKeys:
    content = read_regular_file(issuer.jwks_file, _MAX_FILE + 1)
    if len(content) > _MAX_FILE:
        raise ValueError("it is larger than 1 MiB")
    document = json.loads(content)
    if not isinstance(document, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004 - as all others
    from mintcore.verify.key_sets import FixedKeys, parse_key_set  # noqa: PLC0415 - see mintcore/verify/jwks.py

    return FixedKeys(parse_key_set(document, issuer.kind.algorithms))


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, IssuerUnavailable):
        return error.detail
    return "it is not JSON" if isinstance(error, json.JSONDecodeError | UnicodeDecodeError) else str(error)
