"""Run every check of a request, in the mint's order.

Each result comes from the mint's own code: :mod:`~fullsend.explain.claims_checks` for the claims,
:func:`~mintcore.policy.trust.decide` for policy. One failed check does not hide the next. Checks that need the
network (signature, exchange, grants, commits, key, installation) are listed as not checked.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fullsend.explain.checks import SHOWN, Check, Explanation, Outcome, failed
from fullsend.explain.claims_checks import ClaimsChecks
from fullsend.explain.job_remedies import for_unlisted
from fullsend.explain.rule_remedies import Denial, for_operator
from mintcore.errors import InvalidToken, MintError, PermissionsNotGranted
from mintcore.github.access import requestable, warnings_of
from mintcore.policy import trust
from mintcore.policy.caller import Job, WorkflowCaller
from mintcore.policy.names import Role
from mintcore.policy.token_request import TokenRequest, parse_token_request
from mintcore.request import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fullsend.explain.claims_file import GivenClaims
    from fullsend.explain.configuration import Configuration
    from mintcore.policy.caller import Caller, Claimant
    from mintcore.policy.decision import Decision, Entitlement, Rule
    from mintcore.policy.issuers import Issuer
    from mintcore.policy.policy import TrustPolicy

_NO_ROLE = Role("none")
_ABOUT_THE_REQUEST = {
    "role", "level", "permissions", "repo_scope", "target_org", "callers_role", "callers_level"
}  # fmt: skip


def explain(
    given: GivenClaims,
    role: str,
    repos: Sequence[str],
    configuration: Configuration,
    *,
    now: float,
    further: Mapping[str, Any] | None = None,
) -> Explanation:
    """Return the answer of the mint with ``configuration``; ``now`` is in seconds since the epoch.

    ``further`` holds the other fields of the request: ``level``, ``permissions`` and ``target_org``.
    """
    request, asked = _request({"role": role, "repos": list(repos), **(further or {})})
    if request is not None and configuration.fallback_url and not _holds(configuration, request.role):
        other = f"{configuration.fallback_url} holds the role and gets the request unchanged"
        forward = Check("fallback", Outcome.NOT_CHECKED, other, "that mint decides")
        return Explanation((*asked, forward), None, configuration.fallback_url)
    claims = ClaimsChecks(given.unverified_claims, configuration, now)
    caller = claims.caller()
    policy = configuration.settings.policy
    checks = [*asked, _form(given, claims.issuer), *claims.all(), _signature(claims.issuer)]
    grant = None
    if caller is not None:
        decision = trust.decide(policy, caller, TokenRequest(_NO_ROLE) if request is None else request)
        grant = decision.entitlement
        checks += _policy(decision, policy, caller, request, configuration.place)
        if configuration.provider:
            checks.append(_exchange(policy, caller, configuration))
        if grant is not None:
            checks += _access(grant)
    checks.append(
        Check("key and installation", Outcome.NOT_CHECKED, "the App's key and installation", "offline: not asked")
    )
    return Explanation(tuple(checks), grant)


def _holds(configuration: Configuration, role: Role) -> bool:
    return role in configuration.settings.policy.roles.holds


def _request(fields: Mapping[str, Any]) -> tuple[TokenRequest | None, list[Check]]:
    asked = {name: value for name, value in fields.items() if value not in (None, [])}
    found = ", ".join(f"{name} {_plain(value)[:SHOWN]}" for name, value in asked.items())[: 2 * SHOWN]
    expected = "a well-formed request"
    try:
        request = parse_token_request(json.dumps(asked).encode())
    except MintError as failure:
        return None, [failed("request", found, expected, failure, failure.public)]
    return request, [Check("request", Outcome.PASSED, found, expected)]


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _form(given: GivenClaims, issuer: Issuer) -> Check:
    signed = f"a JWT signed with {' or '.join(sorted(issuer.kind.algorithms, reverse=True))}"
    expected = f"{signed} that names its key"
    if not given.is_token:
        return Check("token", Outcome.NOT_CHECKED, "claims without the token that carries them", expected)
    problem = given.problem
    if not problem and given.algorithm not in issuer.kind.algorithms:
        problem = f"the token is signed with {given.algorithm}"
    if problem:
        change = "Send the token as the issuer gave it to the job."
        return failed("token", problem, expected, InvalidToken(detail=problem), change)
    return Check("token", Outcome.PASSED, f"a JWT signed with {given.algorithm}", expected)


def _signature(issuer: Issuer) -> Check:
    return Check(
        "signature",
        Outcome.NOT_CHECKED,
        "the signature is not checked offline",
        f"a key of {issuer.url}",
    )


def _exchange(policy: TrustPolicy, caller: Claimant, configuration: Configuration) -> Check:
    """Return the provider that checks the token, and its condition; a missing provider is known offline."""
    provider = trust.provider_id(policy, caller, configuration.provider)
    whose = f"the issuer {caller.issuer}" if caller.issuer else "this repository"
    found = f"the provider {provider} checks tokens of {whose}"
    if configuration.conditions is None:
        return Check("sts", Outcome.NOT_CHECKED, found, "it accepts the token")
    if provider not in configuration.conditions:
        missing = InvalidToken(detail=f"the provider {provider} does not exist")
        change = _remedy(policy, caller, configuration.place)
        return failed("sts", missing.detail, "it accepts the token", missing, change)
    return Check("sts", Outcome.NOT_CHECKED, found, f"its condition: {configuration.conditions[provider]}")


def _remedy(policy: TrustPolicy, caller: Claimant, place: str) -> str:
    """Return the command that creates the provider of the caller's tokens."""
    if caller.issuer and isinstance(caller, WorkflowCaller):
        # `issuer add` makes no provider for the kind github.
        removed = f"fullsend mint issuer remove {caller.issuer} {place}".rstrip()
        deployed = f"fullsend mint deploy --env OIDC_ISSUER_URL=URL {place}".rstrip()
        return (
            f"Give GitHub's issuer as OIDC_ISSUER_URL, whose provider exists, not in ISSUERS: {removed} and then "
            f"{deployed}"
        )
    return f"Make the provider: fullsend mint {_maker(policy, caller)} {place}".rstrip()


def _maker(policy: TrustPolicy, caller: Claimant) -> str:
    """Return the command that makes the provider of the caller's tokens."""
    if caller.issuer or not isinstance(caller, WorkflowCaller):
        return f"issuer add {caller.issuer}"
    return f"enroll {caller.repository if caller.repository in policy.per_repo_repos else caller.org}"


def _policy(
    decision: Decision, policy: TrustPolicy, claimant: Claimant, request: TokenRequest | None, place: str
) -> list[Check]:
    return [
        Check(
            rule.name,
            _outcome(rule),
            rule.found,
            rule.expected + _configured(policy, rule.name, claimant),
            0 if rule.passed else rule.failure.status,
            "" if rule.passed else rule.failure.code,
            "" if rule.passed else _change(rule, decision.caller or claimant, policy, request, place),
        )
        for rule in decision.rules
        if request is not None or rule.name not in _ABOUT_THE_REQUEST
    ]


def _access(grant: Entitlement) -> list[Check]:
    """Return the permissions that GitHub does not have, which its schema shows offline."""
    scope = Scope(grant.permissions, grant.repos)
    expected = "permissions that GitHub has"
    try:
        requestable(scope)
    except PermissionsNotGranted as failure:
        return [failed("github access", "GitHub has none of the permissions", expected, failure, failure.public)]
    return [Check("github access", Outcome.PASSED, sentence, expected) for sentence in warnings_of(scope)]


def _outcome(rule: Rule) -> Outcome:
    if rule.passed:
        return Outcome.PASSED
    if rule.question is not None:
        return Outcome.NOT_CHECKED
    return Outcome.WOULD_DENY if rule.report_only else Outcome.FAILED


def _change(rule: Rule, who: Caller | Job, policy: TrustPolicy, request: TokenRequest | None, place: str) -> str:
    if isinstance(who, Job):
        return for_unlisted(rule, who, policy, request, place)
    return for_operator(Denial(rule, policy, who, request, place))


def _configured(policy: TrustPolicy, rule: str, claimant: Claimant) -> str:
    """Return details that only readers of the configuration may see."""
    if rule == "callers":
        listed = (
            f"{entry.name}: " + ", ".join(f"{claim} {wanted}" for claim, wanted in entry.match.items())
            for entry in policy.callers
            if entry.issuer == claimant.issuer
        )
        return f" ({'; '.join(listed) or 'empty'})"
    if rule == "org" and policy.orgs is not None:
        return f" ({', '.join(sorted(str(org) for org in policy.orgs)) or 'empty'})"
    if rule == "workflow_file" and policy.workflow_files:
        return f" ({', '.join(sorted(policy.workflow_files))})"
    return ""
