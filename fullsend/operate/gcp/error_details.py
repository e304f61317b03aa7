"""Show the details of a Google error as lines for the operator.

AIP-193: the sentence may be only "Precondition check failed.", with the violated policy in a detail. The types are
those of google/rpc/error_details.proto; an unknown type is shown unchanged. Details come from outside, so control
characters are removed and lengths are limited.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Detail = Mapping[str, Any]

MAX_TEXT = 600
MAX_LINES = 20


def details_of(error: object) -> tuple[Detail, ...]:
    """Return the details of an error object, also if it is malformed."""
    listed = error.get("details") if isinstance(error, dict) else None
    return tuple(one for one in listed if isinstance(one, dict)) if isinstance(listed, list) else ()


def kind_of(detail: Detail) -> str:
    """Return a detail's type without its package, such as ErrorInfo."""
    return str(detail.get("@type", "")).rpartition("/")[2].rpartition(".")[2]


def named(details: Sequence[Detail], kind: str) -> Detail:
    """Return the first detail of a type, or an empty one."""
    return next((one for one in details if kind_of(one) == kind), {})


def shown(details: Sequence[Detail]) -> list[str]:
    """Return one line for each statement in the details."""
    lines = [plain(line) for detail in details for line in _SHOWN.get(kind_of(detail), _unknown)(detail)]
    return list(dict.fromkeys(line for line in lines if line))[:MAX_LINES]


def plain(text: str) -> str:
    """Return a text on one line, without what a terminal would act on."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:MAX_TEXT]


def _entries(detail: Detail, *names: str) -> Iterator[Mapping[str, Any]]:
    for name in names:
        listed = detail.get(name)
        yield from (one for one in (listed if isinstance(listed, list) else ()) if isinstance(one, dict))


def _joined(entry: Mapping[str, Any], *names: str) -> str:
    return ": ".join(str(entry[name]) for name in names if entry.get(name))


def _violations(detail: Detail) -> Iterator[str]:
    for one in _entries(detail, "violations"):
        yield _joined(one, "type", "subject", "description", "quotaMetric", "quotaId", "quotaValue")


def _bad_request(detail: Detail) -> Iterator[str]:
    for one in _entries(detail, "fieldViolations"):
        yield _joined(one, "field", "reason", "description")


def _error_info(detail: Detail) -> Iterator[str]:
    metadata = detail.get("metadata")
    pairs = sorted(metadata.items()) if isinstance(metadata, dict) else []
    listed = ", ".join(f"{name}={value}" for name, value in pairs)
    yield _joined(detail, "reason", "domain") + (f" ({listed})" if listed else "")


def _help(detail: Detail) -> Iterator[str]:
    for one in _entries(detail, "links"):
        yield _joined(one, "description", "url")


def _resource(detail: Detail) -> Iterator[str]:
    yield _joined(detail, "resourceType", "resourceName", "owner", "description")


def _retry(detail: Detail) -> Iterator[str]:
    yield f"retry after {detail['retryDelay']}" if detail.get("retryDelay") else ""


def _message(detail: Detail) -> Iterator[str]:
    yield str(detail.get("message", ""))


def _request(detail: Detail) -> Iterator[str]:
    yield f"Google's request id: {detail['requestId']}" if detail.get("requestId") else ""


def _debug(detail: Detail) -> Iterator[str]:
    yield str(detail.get("detail", ""))
    entries = detail.get("stackEntries")
    yield " | ".join(map(str, entries)) if isinstance(entries, list) else ""


def _unknown(detail: Detail) -> Iterator[str]:
    rest = {name: value for name, value in detail.items() if name != "@type"}
    yield f"{kind_of(detail) or 'detail'}: {json.dumps(rest, sort_keys=True, default=str)}" if rest else ""


_SHOWN: Mapping[str, Callable[[Detail], Iterator[str]]] = {
    "PreconditionFailure": _violations,
    "QuotaFailure": _violations,
    "BadRequest": _bad_request,
    "ErrorInfo": _error_info,
    "Help": _help,
    "ResourceInfo": _resource,
    "RetryInfo": _retry,
    "LocalizedMessage": _message,
    "RequestInfo": _request,
    "DebugInfo": _debug,
}
