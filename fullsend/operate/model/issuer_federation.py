"""Build the wanted provider of an issuer: mapping, audience, and a condition from the entries of CALLERS.

Pure. The condition admits a token if all claims of one entry match; the mint then decides about role and level.
`google.subject` is bounded, because Google refuses more than 127 bytes and `sub` of these systems has branch names.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from fullsend.operate.model import names
from fullsend.operate.model.conditions import MAX_LENGTH
from fullsend.operate.model.federation import ProviderSpec, own_audience
from fullsend.operate.operate_errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mintcore.policy.caller_entry import CallerEntry
    from mintcore.policy.issuers import Issuer

MAX_AUDIENCE = 256
"""Google's limit for an allowed audience, in characters."""
NOBODY = "assertion.sub == ''"
"""No token has an empty subject."""
_CIRCLECI = "assertion['oidc.circleci.com/project-id']"
_NAMESPACE = "assertion['kubernetes.io']['namespace']"
_ACCOUNT = "assertion['kubernetes.io']['serviceaccount']"
# Only claims that every token has: Google refuses a token without a mapped one.
MAPPINGS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "gitlab": {
            "google.subject": "assertion.project_id + ':' + assertion.job_id",
            "attribute.project": "assertion.project_id",
        },
        "buildkite": {
            "google.subject": "assertion.job_id",
            "attribute.project": "assertion.organization_slug + '/' + assertion.pipeline_slug",
        },
        "circleci": {"google.subject": _CIRCLECI, "attribute.project": _CIRCLECI},
        "kubernetes": {
            "google.subject": f"{_ACCOUNT}['uid']",
            "attribute.project": f"{_NAMESPACE} + '/' + {_ACCOUNT}['name']",
        },
    }
)
_BOOLEANS = frozenset({"oidc.circleci.com/ssh-rerun"})
_NUMBERS = frozenset({"runner_id"})
"""Claims that are not strings. CEL cannot compare a number with a string, and writes large numbers as 1.2e+07."""
_NESTED = "kubernetes.io/"
_FIELD = re.compile(r"[a-z][a-z_]*")
_WORDS = frozenset({"in", "as", "if", "var", "for", "null", "true", "false"})


def issuer_provider(number: str, issuer: Issuer, entries: Iterable[CallerEntry], keys: str = "") -> ProviderSpec:
    """Return the wanted provider of the issuer; `keys` is its uploaded key set, empty for discovery.

    Raises BadInput for what Google would refuse.
    """
    if len(issuer.audience) > MAX_AUDIENCE or "," in issuer.audience:
        raise BadInput(
            f"The audience of the issuer {issuer.name} is longer than {MAX_AUDIENCE} characters or has a comma.",
            "Choose another one with --audience, and request it in the jobs.",
        )
    return ProviderSpec(
        issuer=issuer.url,
        condition=condition(issuer.name, entries),
        audiences=(issuer.audience, own_audience(number, names.MINT_POOL, issuer.provider_id)),
        mapping=MAPPINGS[issuer.kind.name],
        keys=keys,
    )


def condition(issuer: str, entries: Iterable[CallerEntry]) -> str:
    """Return the CEL that admits the jobs of any of these entries; without any, no job. Raises BadInput."""
    wanted = sorted(_alternatives([entry.match for entry in entries]))
    if not wanted:
        return NOBODY
    text = wanted[0] if len(wanted) == 1 else " || ".join(f"({one})" for one in wanted)
    if len(text) > MAX_LENGTH:
        raise BadInput(
            f"The condition of the provider of {issuer} would have {len(text)} characters for {len(wanted)} "
            f"entries; Google's limit is {MAX_LENGTH}. Nothing was written.",
            "Match a whole group with one entry, such as namespace_id of GitLab, or run a second mint in another "
            "project.",
        )
    return text


def _alternatives(matches: Sequence[Mapping[str, str]]) -> set[str]:
    """Return one condition for each group of matches that differ only in one exact value, such as the project."""
    differing = min(
        sorted({claim for match in matches for claim in match}),
        key=lambda claim: len({_rest(match, claim) for match in matches}),
        default="",
    )
    groups: dict[str, set[str]] = {}
    for match in matches:
        if _is_listable(differing, match.get(differing, "*")):
            groups.setdefault(_rest(match, differing), set()).add(match[differing])
    listed = {_all_of([_one_of(differing, values), rest]) for rest, values in groups.items()}
    alone = (match for match in matches if not _is_listable(differing, match.get(differing, "*")))
    return listed | {_rest(match, "") for match in alone}


def _is_listable(claim: str, value: str) -> bool:
    return not value.endswith("*") and claim not in _BOOLEANS | _NUMBERS


def _rest(match: Mapping[str, str], without: str) -> str:
    """Return the condition for every claim of a match but one."""
    claims = (claim for claim in sorted(match) if claim not in {without, *_NUMBERS})
    return _all_of([_clause(claim, match[claim]) for claim in claims])


def _all_of(clauses: Iterable[str]) -> str:
    return " && ".join(clause for clause in clauses if clause)


def _one_of(claim: str, values: set[str]) -> str:
    listed = sorted(values)
    if len(listed) == 1:
        return _clause(claim, listed[0])
    return f"{_name(claim)} in [{', '.join(map(_text, listed))}]"


def _clause(claim: str, value: str) -> str:
    name = _name(claim)
    if claim in _BOOLEANS and value in {"true", "false"}:
        return f"{name} == {value}"
    if value.endswith("*"):
        return f"{name}.startsWith({_text(value[:-1])})"
    return f"{name} == {_text(value)}"


def _name(claim: str) -> str:
    if claim.startswith(_NESTED):
        path = [_NESTED.rstrip("/"), *claim.removeprefix(_NESTED).split("/")]
        return "assertion" + "".join(f"[{_text(part)}]" for part in path)
    plain = _FIELD.fullmatch(claim) and claim not in _WORDS
    return f"assertion.{claim}" if plain else f"assertion[{_text(claim)}]"


def _text(value: str) -> str:
    """Return a CEL string. Attack: a quote in a value must not end the string and add another condition."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
