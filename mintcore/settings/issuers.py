"""Read ``OIDC_ISSUER_URL`` and ``ISSUERS``, the issuers whose tokens are accepted.

It does not read the files of ``jwks_file``, because other machines also read a mint's settings. The mint reads them
when it starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mintcore.policy.issuers import ISSUER_KEYS, Issuer, is_issuer_name, parse_issuer_name
from mintcore.policy.kinds.github import GITHUB
from mintcore.settings.service_url import is_service_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mintcore.settings.reader import Reader

_VARIABLE = "ISSUERS"
_MAX_TEXT = 1024


def read_issuers(reader: Reader) -> tuple[Issuer, ...]:
    """Return every issuer, GitHub's first, noting every problem on ``reader``."""
    audience = reader.text("OIDC_AUDIENCE")
    issuers: list[Issuer] = []
    for name, fields in reader.json_object(_VARIABLE).items():
        try:
            issuers.append(parse_issuer(name, fields, audience))
        except ValueError as error:
            reader.problem(_VARIABLE, f'is invalid for "{name[:60]}": {error}', _example(name, fields))
    workflows = [issuer for issuer in issuers if issuer.kind.is_github]
    jobs = [issuer for issuer in issuers if not issuer.kind.is_github]
    if not workflows:
        workflows = [Issuer("", GITHUB, reader.url("OIDC_ISSUER_URL"), audience)]
    elif reader.is_set("OIDC_ISSUER_URL"):
        reader.problem(
            _VARIABLE, "has an issuer of the kind github, and OIDC_ISSUER_URL is set too; remove OIDC_ISSUER_URL"
        )
    _check_urls(reader, [*workflows, *jobs])
    return (*workflows, *jobs)


def parse_issuer(name: str, fields: object, audience: str) -> Issuer:
    """Return one issuer of ISSUERS, or raise ``ValueError``; ``audience`` is the default audience."""
    from mintcore.policy.kinds.table import KINDS  # noqa: PLC0415 - only a mint with ISSUERS needs the other kinds

    parse_issuer_name(name)
    if not isinstance(fields, dict):
        raise ValueError("it must be a JSON object with kind and url")  # noqa: TRY004 - the one way to refuse
    unknown = sorted(set(fields) - set(ISSUER_KEYS))
    if unknown:
        raise ValueError(f"it has {ascii(unknown[0])[:60]}; it can have {', '.join(ISSUER_KEYS)}")
    for key in ("kind", "url"):
        if key not in fields:
            raise ValueError(f"{key} is missing. Fix: add {key}")
    kind = KINDS.get(_text(fields, "kind"))
    if kind is None:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}")
    url = _text(fields, "url")
    # Kept exactly as in `iss`, which for some issuers ends in a slash.
    if not is_service_url(url):
        raise ValueError("url must be the issuer's https URL (http only to a loopback address)")
    return Issuer(name, kind, url, _text(fields, "audience", audience), _text(fields, "jwks_file"))


def _example(name: str, fields: object) -> str:
    """Return an example for the issuer's kind, empty to show the variable's own example."""
    from mintcore.settings.issuer_examples import issuer_example  # noqa: PLC0415 - only a problem needs it

    kind = fields.get("kind") if isinstance(fields, dict) else ""
    return issuer_example(name if is_issuer_name(name) else str(kind), kind)


def _text(fields: Mapping[str, Any], key: str, default: str = "") -> str:
    value = fields.get(key, default)
    if (
        not isinstance(value, str)
        or len(value) > _MAX_TEXT
        or not value.isprintable()
        or (key in fields and not value)
    ):
        raise ValueError(f"{key} must be a string")
    return value


def _check_urls(reader: Reader, issuers: list[Issuer]) -> None:
    first: dict[str, Issuer] = {}
    for issuer in issuers:
        other = first.setdefault(issuer.url, issuer)
        if other is not issuer:
            shared = f'"{other.name}"' if other.name else "OIDC_ISSUER_URL"
            reader.problem(
                _VARIABLE, f'gives "{issuer.name}" the same url as {shared}; an issuer can have only one name'
            )
