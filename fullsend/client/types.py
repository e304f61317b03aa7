"""Parse a mint's answers, which are untrusted input: an answer in another form is an error."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fullsend.net.answer import is_token, json_object, one_line

MAX_WARNINGS = 20


@dataclass(frozen=True, slots=True)
class MintedToken:
    """An installation token and what it may do; the token does not show in `repr`."""

    token: str = field(repr=False)
    expires_at: str
    """RFC 3339, UTC, as GitHub gave it."""
    granted_repos: tuple[str, ...]
    """`owner/name`; empty when the whole installation was granted."""
    granted_permissions: dict[str, str]
    repository_selection: str
    """`all` or `selected`."""
    mint_url: str
    """The mint that answered."""
    warnings: tuple[str, ...] = ()
    """The mint's warnings about ignored fields and rules that only report, one line each."""


@dataclass(frozen=True, slots=True)
class StatusRule:
    """One rule of the mint, with its result."""

    rule: str
    passed: bool
    found: str
    expected: str
    code: str = ""
    """The error code of a request; empty if the rule passed, like `change`."""
    change: str = ""
    report_only: bool = False
    open: bool = False
    """The rule has no result, because GitHub is not asked while another rule denies."""
    """The rule reports instead of denying."""


@dataclass(frozen=True, slots=True)
class MintStatus:
    """A mint's status of the caller's own organization."""

    org: str
    roles: tuple[str, ...]
    workflow_allowed: bool
    version: str
    mint_url: str
    allowed: bool | None = None
    """Whether policy would allow the requested role; None if no role was requested."""
    rules: tuple[StatusRule, ...] = ()
    """Every rule for that request, in order."""


def parse_token(body: bytes, mint_url: str) -> MintedToken:
    """Read the answer to `POST /v1/token`. Raises ValueError, never with the answer in it."""
    answer = json_object(body)
    token = answer.get("token")
    # Attack: a line that begins with :: or contains ##[ is a command to a runner, wherever the token is printed.
    if not isinstance(token, str) or not is_token(token) or token.startswith("::") or "##[" in token:
        raise ValueError("no usable token in the answer")
    return MintedToken(
        token=token,
        expires_at=_one_line(answer, "expires_at"),
        granted_repos=_strings(answer, "granted_repos"),
        granted_permissions=_string_map(answer, "granted_permissions"),
        repository_selection=_one_line(answer, "repository_selection"),
        mint_url=mint_url,
        warnings=_warnings(answer.get("warnings")),
    )


def parse_status(body: bytes, mint_url: str) -> MintStatus:
    """Read the answer to `GET /v1/status`. Raises ValueError."""
    answer = json_object(body)
    return MintStatus(
        org=_one_line(answer, "org"),
        roles=_strings(answer, "roles"),
        workflow_allowed=_boolean(answer, "workflow_allowed"),
        version=_one_line(answer, "version"),
        mint_url=mint_url,
        allowed=_boolean(answer, "allowed") if "allowed" in answer else None,
        rules=_rules(answer.get("rules", [])),
    )


def _warnings(values: object) -> tuple[str, ...]:
    """Return the sentences; a token is not lost because of an invalid warning."""
    listed = values if isinstance(values, list) else []
    return tuple(one_line(value) for value in listed[:MAX_WARNINGS] if isinstance(value, str))


def _rules(values: object) -> tuple[StatusRule, ...]:
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise ValueError("rules is not a list of objects")
    return tuple(
        StatusRule(
            rule=_one_line(value, "rule"),
            passed=_boolean(value, "passed"),
            found=_one_line(value, "found"),
            expected=_one_line(value, "expected"),
            code=_one_line(value, "code") if "code" in value else "",
            change=_one_line(value, "change") if "change" in value else "",
            report_only=_boolean(value, "report_only") if "report_only" in value else False,
            open=_boolean(value, "open") if "open" in value else False,
        )
        for value in values
    )


def _boolean(answer: dict[str, Any], name: str) -> bool:
    value = answer.get(name)
    if not isinstance(value, bool):
        raise ValueError(f"{name} is not a boolean")  # noqa: TRY004 - the caller handles one kind
    return value


def _one_line(answer: dict[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or one_line(value) != value:
        raise ValueError(f"{name} is not a plain string")
    return value


def _strings(answer: dict[str, Any], name: str) -> tuple[str, ...]:
    values = answer.get(name)
    if not isinstance(values, list) or not all(isinstance(v, str) and one_line(v) == v for v in values):
        raise ValueError(f"{name} is not a list of plain strings")
    return tuple(values)


def _string_map(answer: dict[str, Any], name: str) -> dict[str, str]:
    values = answer.get(name)
    if not isinstance(values, dict) or not all(
        isinstance(v, str) and one_line(v) == v and one_line(k) == k for k, v in values.items()
    ):
        raise ValueError(f"{name} is not an object of plain strings")
    return dict(values)
