"""`fullsend mint status` in a job: show what the mint would allow this job."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fullsend.cli.mint.caller_options import Refused, client_for, errors_explained
from fullsend.cli.output import CommandError, note, print_json, print_table
from fullsend.client.remedies import remedy_for

if TYPE_CHECKING:
    from fullsend.client.mint_request import MintRequest
    from fullsend.client.types import MintStatus, StatusRule

_SENTENCE_END = re.compile(r"(?<=[.!?]) ")


def show(mint_urls: list[str], audience: str, timeout: float, request: MintRequest, *, as_json: bool) -> bool:
    """Print the mint's answer, with a role also every rule; return whether it would allow the request."""
    with errors_explained(Refused):
        found = client_for(mint_urls, audience, timeout).status_of(request)
    if request.role and found.allowed is None:
        raise CommandError(
            f"The mint at {found.mint_url} (version {found.version}) does not answer for a role.",
            "Leave --role out; newer mints show the rules.",
        )
    if as_json:
        print_json(_fields(found, request))
    else:
        _print(found, request)
    return found.workflow_allowed if found.allowed is None else found.allowed


def _fields(found: MintStatus, request: MintRequest) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "org": found.org,
        "roles": list(found.roles),
        "workflow_allowed": found.workflow_allowed,
        "version": found.version,
        "mint_url": found.mint_url,
    }
    if request.role:
        fields["request"] = {"repos": []} | request.body()
        fields["allowed"] = found.allowed
        # As the mint gives them: a rule that passed has neither code nor change.
        fields["rules"] = [
            {k: v for k, v in asdict(rule).items() if v != "" and not (k in {"report_only", "open"} and not v)}
            for rule in found.rules
        ]
    return fields


def _print(found: MintStatus, request: MintRequest) -> None:
    rows = [
        ("mint", f"{found.mint_url} (version {found.version})"),
        ("organization", found.org),
        ("roles", ", ".join(found.roles) or "none"),
        ("trusted to mint", "yes" if found.workflow_allowed else "no"),
    ]
    if request.role:
        narrowed = f", level {request.level}" if request.level else ""
        target = f" in {request.target_org}" if request.target_org else ""
        rows += [
            ("request", f"role {request.role}{narrowed} on {request.scope()}{target}"),
            ("would be allowed", "yes" if found.allowed else "no"),
        ]
    print_table(("item", "answer"), rows)
    if not request.role and not found.workflow_allowed:
        note(f"Fix: {remedy_for('workflow_not_allowed')}\nCode: workflow_not_allowed")
    if request.role:
        _print_rules(found)


def _sign(rule: StatusRule) -> str:
    return "ok" if rule.passed else "-" if rule.open else "!" if rule.report_only else "NO"


def _print_rules(found: MintStatus) -> None:
    rows = [
        (_sign(rule), rule.rule, rule.found, rule.expected, rule.code or ("open" if rule.open else "passed"))
        for rule in found.rules
    ]
    print_table(("", "rule", "found", "needed", "outcome"), rows, follows=True)
    for rule in found.rules:
        if not rule.passed and not rule.open:
            note(_told(rule))


def _told(rule: StatusRule) -> str:
    """Return what the rule found, the fix and the code, in the form of an error."""
    said, *fixes = (part.strip() for part in rule.change.split("Fix:"))
    fix = " ".join(filter(None, fixes)) or _without_this_command(remedy_for(rule.code))
    return f"{rule.rule}: {said or rule.found}\nFix: {fix}\nCode: {rule.code}"


def _without_this_command(remedy: str) -> str:
    """Leave out the sentence of a code's remedy that recommends the command that is running."""
    sentences = _SENTENCE_END.split(remedy)
    return " ".join(one for one in sentences if "`fullsend mint status --role" not in one)
