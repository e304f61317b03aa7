"""Collect all environment variables of the mint in one table.

The reader takes defaults, bounds and examples from it. docs/configuration.md and ``deploy --env`` use the list.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from mintcore.policy.spelling import closest_name
from mintcore.settings import service_variables, trust_variables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mintcore.settings.variable import Variable

GROUPS: Mapping[str, tuple[Variable, ...]] = MappingProxyType(
    {
        "Who may mint": trust_variables.WHO_MAY_MINT,
        "What a token may reach": trust_variables.WHAT_A_TOKEN_REACHES,
        "Roles": trust_variables.ROLES,
        "Whose tokens are accepted": trust_variables.WHOSE_TOKENS,
        "Google Cloud": service_variables.GOOGLE_CLOUD,
        "Standalone": service_variables.STANDALONE_MINT,
        "Requests": service_variables.REQUESTS,
        "Telemetry": service_variables.TELEMETRY,
    }
)
VARIABLES: Mapping[str, Variable] = MappingProxyType(
    {variable.name: variable for group in GROUPS.values() for variable in group}
)
# One letter from HTTPS_PROXY, but a correct name: other programs read it.
_OF_OTHERS = frozenset({"HTTP_PROXY"})
_MIN_NAME = 4


def misspelled(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each name that is one letter away from a variable of the mint, with that variable."""
    known = [name for name in VARIABLES if len(name) >= _MIN_NAME]
    for name in sorted(names):
        # Lowercase names belong to other programs: https_proxy is curl's.
        if name.isupper() and name not in VARIABLES and name not in _OF_OTHERS:
            intended = closest_name(name, known)
            if intended:
                yield name, intended
