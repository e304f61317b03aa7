"""Every check a request would meet, in the mint's order, and how each comes out.

Each verdict is the mint's own code's: a claim is put among claims that are otherwise good and
:func:`~mintcore.policy.claims.check_claims` is asked, policy is :func:`~mintcore.policy.trust.decide`. So one
wrong thing does not hide the next. What needs the network (signature, exchange, key, installation) is listed
as not checked.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from fullsend.explain.remedies import for_operator
from mintcore.errors import InvalidToken, MintError
from mintcore.policy import trust
from mintcore.policy.claims import Caller, check_claims
from mintcore.policy.names import Role
from mintcore.policy.token_request import TokenRequest, parse_token_request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fullsend.explain.claims_file import GivenClaims
    from fullsend.explain.configuration import Configuration
    from mintcore.policy.roles import RoleGrant
    from mintcore.policy.trust import TrustPolicy

_SHOWN = 200
_NO_ROLE = Role("none")
_TIMES = ("exp", "nbf", "iat")
_FRESH = "Ask for a fresh token in the job: GitHub's live for minutes."


class Outcome(StrEnum):
    """How a check came out."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what it compared, how it came out, and, where it failed, the server's answer and the remedy."""

    name: str
    outcome: Outcome
    found: str
    expected: str
    status: int = 0
    code: str = ""
    change: str = ""

    def fields(self) -> dict[str, Any]:
        """Return the check as JSON values."""
        fields: dict[str, Any] = {
            "rule": self.name,
            "outcome": self.outcome.value,
            "found": self.found,
            "expected": self.expected,
        }
        if self.outcome is Outcome.FAILED:
            fields |= {"status": self.status, "code": self.code, "change": self.change}
        return fields


@dataclass(frozen=True, slots=True)
class Explanation:
    """All checks in the mint's order; ``grant`` is what a token of the role would be, where the role is served.

    ``forwarded_to`` is the other mint that would decide instead, empty where this one does.
    """

    checks: tuple[Check, ...]
    grant: RoleGrant | None
    forwarded_to: str = ""

    @property
    def refusal(self) -> Check | None:
        """The check whose answer the caller would get."""
        return next((check for check in self.checks if check.outcome is Outcome.FAILED), None)


def explain(
    given: GivenClaims, role: str, repos: Sequence[str], configuration: Configuration, *, now: float
) -> Explanation:
    """Return what the mint of ``configuration`` would say; ``now`` is in seconds since the epoch."""
    request, asked = _request(role, repos)
    if request is not None and configuration.fallback_url and not _holds(configuration, request.role):
        other = f"the role is held by {configuration.fallback_url}, which gets the request as it is"
        forward = Check("fallback", Outcome.NOT_CHECKED, other, "that mint decides")
        return Explanation((*asked, forward), None, configuration.fallback_url)
    claims = _ClaimsChecks(given.unverified_claims, configuration, now)
    caller = claims.caller()
    policy = configuration.settings.policy
    checks = [*asked, _form(given), *claims.all(), _signature(configuration)]
    if caller is not None:
        checks += _policy(policy, caller, request, configuration.place)
        if configuration.provider:
            checks.append(_exchange(policy, caller, configuration))
    checks.append(
        Check("key and installation", Outcome.NOT_CHECKED, "the App's key and installation", "offline: not asked")
    )
    return Explanation(tuple(checks), policy.roles.serves.get(request.role) if request else None)


def _holds(configuration: Configuration, role: Role) -> bool:
    return role in configuration.settings.policy.roles.holds


def _failed(name: str, found: str, expected: str, failure: MintError, change: str) -> Check:
    return Check(name, Outcome.FAILED, found, expected, failure.status, failure.code, change)


def _request(role: str, repos: Sequence[str]) -> tuple[TokenRequest | None, list[Check]]:
    listed = f"repositories {', '.join(repos)}" if repos else "every repository of the installation"
    found, expected = f"role {role[:_SHOWN]}, {listed[:_SHOWN]}", "a role name and bare repository names"
    try:
        request = parse_token_request(json.dumps({"role": role, "repos": list(repos)}).encode())
    except MintError as failure:
        return None, [_failed("request", found, expected, failure, failure.public)]
    return request, [Check("request", Outcome.PASSED, found, expected)]


def _form(given: GivenClaims) -> Check:
    expected = "a JWT signed with RS256 that names its key"
    if not given.is_token:
        return Check("token", Outcome.NOT_CHECKED, "claims without the token that carries them", expected)
    if given.problem:
        change = "Send the token as the issuer gave it to the job."
        return _failed("token", given.problem, expected, InvalidToken(detail=given.problem), change)
    return Check("token", Outcome.PASSED, "a JWT signed with RS256", expected)


def _signature(configuration: Configuration) -> Check:
    return Check(
        "signature",
        Outcome.NOT_CHECKED,
        "the signature is not looked at offline",
        f"a key of {configuration.settings.issuer_url}",
    )


def _exchange(policy: TrustPolicy, caller: Caller, configuration: Configuration) -> Check:
    """Say which provider judges and by what; that it does not exist is known without asking it."""
    provider = trust.provider_id(policy, caller.repository, configuration.provider)
    found = f"the provider {provider} judges this repository"
    if configuration.conditions is None:
        return Check("sts", Outcome.NOT_CHECKED, found, "it accepts the token")
    if provider not in configuration.conditions:
        missing = InvalidToken(detail=f"there is no provider {provider}")
        wanted = caller.repository if caller.repository in policy.per_repo_repos else caller.org
        change = f"Make the provider: fullsend mint enroll {wanted} {configuration.place}".rstrip()
        return _failed("sts", missing.detail, "it accepts the token", missing, change)
    return Check("sts", Outcome.NOT_CHECKED, found, f"its condition: {configuration.conditions[provider]}")


def _policy(policy: TrustPolicy, caller: Caller, request: TokenRequest | None, place: str) -> list[Check]:
    # Organisation and workflow are judged whatever the role; without a role name there is no verdict on it.
    role = _NO_ROLE if request is None else request.role
    decision = trust.decide(policy, caller, role)
    return [
        Check(
            rule.name,
            Outcome.PASSED if rule.passed else Outcome.FAILED,
            rule.found,
            rule.expected + _configured(policy, rule.name),
            0 if rule.passed else rule.failure.status,
            "" if rule.passed else rule.failure.code,
            "" if rule.passed else for_operator(rule, policy, caller, role, place),
        )
        for rule in decision.rules
        if request is not None or rule.name != "role"
    ]


def _configured(policy: TrustPolicy, rule: str) -> str:
    """Return what a caller is not shown and who has the configuration may see."""
    if rule == "org" and policy.orgs is not None:
        return f" ({', '.join(sorted(str(org) for org in policy.orgs)) or 'empty'})"
    if rule == "workflow_file" and policy.workflow_files:
        return f" ({', '.join(sorted(policy.workflow_files))})"
    return ""


def _shown(claim: str, value: Any) -> str:
    if claim not in _TIMES:
        return str(value)
    try:
        return datetime.fromtimestamp(value, tz=UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return "a time too far away to be written"


class _ClaimsChecks:
    """The local checks of the claims, each asked of the mint's own code by itself."""

    def __init__(self, unverified_claims: Mapping[str, Any], configuration: Configuration, now: float) -> None:
        self._claims = unverified_claims
        self._issuer = configuration.settings.issuer_url
        self._audience = configuration.settings.audience
        self._now = now
        self._good = {
            "iss": self._issuer,
            "aud": self._audience,
            "exp": now + 60,
            "nbf": now,
            "iat": now,
            "repository": "o/r",
            "repository_owner": "o",
            "job_workflow_ref": "-",
        }

    def all(self) -> list[Check]:
        """Return every check."""
        issuer = "Use a mint that is configured for this token's issuer (OIDC_ISSUER_URL)."
        audience = f"Ask for the token with the audience {self._audience}."
        whose = "Use the token as GitHub Actions issued it."
        return [
            self._check("issuer", ("iss",), f"it has to be {self._issuer}", issuer),
            self._check("audience", ("aud",), f"it has to name {self._audience}", audience),
            self._check("times", _TIMES, "valid now, give or take 30 s", _FRESH),
            self._check(
                "caller",
                ("repository", "repository_owner", "job_workflow_ref"),
                "a repository of its repository_owner, and a job_workflow_ref",
                whose,
            ),
        ]

    def caller(self) -> Caller | None:
        """Return who the claims name, whatever else is wrong with them; ``None`` where they name nobody."""
        try:
            return self._ask("repository", "repository_owner", "job_workflow_ref", others=True)
        except InvalidToken:
            return None

    def _check(self, name: str, claims: tuple[str, ...], expected: str, change: str) -> Check:
        try:
            self._ask(*claims)
        except InvalidToken as failure:
            return _failed(name, failure.detail, expected, failure, change)
        found = ", ".join(f"{claim} is {_shown(claim, self._claims[claim])}" for claim in claims)
        return Check(name, Outcome.PASSED, found[:_SHOWN], expected)

    def _ask(self, *claims: str, others: bool = False) -> Caller:
        """Ask about these claims alone; ``others`` lets those that no check looks at through as well."""
        rest = {name: value for name, value in self._claims.items() if name not in self._good} if others else {}
        own = {name: self._claims.get(name) for name in claims}
        return check_claims(self._good | rest | own, issuer=self._issuer, audience=self._audience, now=self._now)
