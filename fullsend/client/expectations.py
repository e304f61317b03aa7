"""Read the file of `fullsend mint probe`, make its requests, and compare the mint's answers with it.

The file lists refusals as well as grants: a mint that grants everything would pass a probe that has only grants.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import yaml

from fullsend.net.answer import is_token, one_line
from mintcore.errors.table import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fullsend.net.answer import Answer

OK = 200
_ENTRY = frozenset({"name", "bearer", "request", "expect"})
_EXPECT = frozenset({"status", "code", "granted_repos", "granted_permissions"})
INVALID_BEARER = "invalid"
"""A bearer that no mint accepts; it is not a credential."""


class Bearer(StrEnum):
    """The OIDC token of a request."""

    JOB = "job"
    NONE = "none"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Expectation:
    """One request and the answer it must get; ``granted`` holds the fields of a grant to compare."""

    name: str
    request: Mapping[str, Any]
    status: int
    code: str = ""
    bearer: Bearer = Bearer.JOB
    granted: Mapping[str, Any] = field(default_factory=dict)

    @property
    def grants(self) -> bool:
        """Whether the mint must grant the request."""
        return self.status == OK


@dataclass(frozen=True, slots=True)
class Outcome:
    """A mint's answer and its differences from the expected one, empty if it is as expected."""

    expectation: Expectation
    status: int
    code: str
    sentence: str
    problems: tuple[str, ...]
    token: str = field(default="", repr=False)

    def as_json(self) -> dict[str, Any]:
        """Return the outcome without its token."""
        return {
            "name": self.expectation.name,
            "passed": not self.problems,
            "status": self.status,
            "code": self.code,
            "problems": list(self.problems),
        }


def read_expectations(text: str) -> list[Expectation]:
    """Return the expectations of a YAML list. Raises ValueError with the entry and what is wrong with it."""
    try:
        entries = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise ValueError("the file is not YAML") from None
    if not isinstance(entries, list) or not entries:
        raise ValueError("the file must hold a list of entries with name, request and expect")
    return [_expectation(number, entry) for number, entry in enumerate(entries, 1)]


def _expectation(number: int, entry: Any) -> Expectation:
    where = f"entry {number}"
    if not isinstance(entry, dict) or set(entry) - _ENTRY or not isinstance(entry.get("name"), str):
        raise ValueError(f"{where} must have name, request, expect and may have bearer")
    request, expect, bearer = entry.get("request"), entry.get("expect"), entry.get("bearer", "job")
    if not isinstance(request, dict):
        raise ValueError(  # noqa: TRY004 - callers handle one kind
            f'{where}: request must be the body of a token request, such as {{"role": "coder"}}'
        )
    if bearer not in list(Bearer):
        raise ValueError(f"{where}: bearer must be job, none or invalid")
    if not isinstance(expect, dict) or not expect or set(expect) - _EXPECT:
        raise ValueError(f"{where}: expect must name status, code, granted_repos or granted_permissions")
    code = expect.get("code", "")
    if code and code not in TABLE:
        raise ValueError(f"{where}: {code!r} is not a code of the mint (docs/errors.md lists them)")
    status = expect.get("status", TABLE[code].status if code else OK)
    if isinstance(status, bool) or not isinstance(status, int):
        raise ValueError(f"{where}: status must be a number")  # noqa: TRY004 - callers handle one kind
    granted = {name: expect[name] for name in ("granted_repos", "granted_permissions") if name in expect}
    if granted and status != OK:
        raise ValueError(f"{where}: a refusal grants nothing to compare")
    return Expectation(one_line(entry["name"], limit=100), request, status, code, Bearer(bearer), granted)


def compare(expectation: Expectation, answer: Answer) -> Outcome:
    """Return how a mint's answer to the expectation's request compares."""
    try:
        fields = answer.json_object()
    except ValueError:
        fields = {}
    code, token = str(fields.get("code", "")), fields.get("token")
    problems = []
    if answer.status != expectation.status:
        problems.append(f"status {answer.status} instead of {expectation.status}")
    if expectation.code and code != expectation.code:
        problems.append(f"code {code or 'missing'} instead of {expectation.code}")
    for name, wanted in expectation.granted.items():
        if answer.status == OK and _comparable(fields.get(name)) != _comparable(wanted):
            problems.append(f"{name} {_shown(fields.get(name))} instead of {_shown(wanted)}")
    return Outcome(
        expectation,
        answer.status,
        one_line(code, limit=60),
        one_line(str(fields.get("error", "")), limit=300),
        tuple(one_line(problem, limit=300) for problem in problems),
        token if answer.status == OK and isinstance(token, str) and is_token(token) else "",
    )


def _comparable(value: Any) -> Any:
    """Return a value in which the case and order of repositories do not matter."""
    return sorted(str(item).lower() for item in value) if isinstance(value, list) else value


def _shown(value: Any) -> str:
    """Return what was granted as the commands write it: `octo-org/app`, `contents:read issues:write`."""
    if isinstance(value, dict):
        value = [" ".join(sorted(f"{name}:{level}" for name, level in value.items()))] if value else []
    if isinstance(value, list):
        return ", ".join(_comparable(value)) or "none"
    return "missing" if value is None else str(value)


def probe(
    expectations: list[Expectation],
    ask: Callable[[Mapping[str, Any], str], Answer],
    identity: Callable[[], str],
    revoke: Callable[[str], object],
) -> list[Outcome]:
    """Make each request once and return the outcomes in order; revoke a granted token immediately.

    ``ask`` sends a body with an Authorization header (empty for none); ``identity`` returns a fresh OIDC token.
    """
    outcomes = []
    for expectation in expectations:
        bearer = {Bearer.NONE: "", Bearer.INVALID: f"Bearer {INVALID_BEARER}"}.get(expectation.bearer)
        outcome = compare(
            expectation, ask(expectation.request, f"Bearer {identity()}" if bearer is None else bearer)
        )
        if outcome.token:
            revoke(outcome.token)
        outcomes.append(outcome)
    return outcomes
