"""`fullsend mint status` in a job: what the mint would allow it, asked of the mint."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fullsend.cli.mint.caller_options import client_for, errors_explained
from fullsend.cli.output import CommandError, note, print_json, print_table
from fullsend.client.remedies import remedy_for

if TYPE_CHECKING:
    from fullsend.client.types import MintStatus


def show(
    mint_urls: list[str], audience: str, timeout: float, role: str | None, repos: list[str], *, as_json: bool
) -> bool:
    """Print what the mint answers, with a role rule by rule; say whether it would allow it."""
    with errors_explained():
        found = client_for(mint_urls, audience, timeout).status(role or "", repos)
    if role is not None and found.allowed is None:
        raise CommandError(
            f"The mint at {found.mint_url} (version {found.version}) does not answer for a role.",
            "Leave --role out; a newer mint tells the rules.",
        )
    if as_json:
        print_json(_fields(found, role, repos))
    else:
        _print(found, role, repos)
    return found.workflow_allowed if found.allowed is None else found.allowed


def _fields(found: MintStatus, role: str | None, repos: list[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "org": found.org,
        "roles": list(found.roles),
        "workflow_allowed": found.workflow_allowed,
        "version": found.version,
        "mint_url": found.mint_url,
    }
    if role is not None:
        fields["request"] = {"role": role, "repos": repos}
        fields["allowed"] = found.allowed
        # As the mint gives them: a rule that passed has neither code nor change.
        fields["rules"] = [{k: v for k, v in asdict(rule).items() if v != ""} for rule in found.rules]
    return fields


def _print(found: MintStatus, role: str | None, repos: list[str]) -> None:
    rows = [
        ("mint", f"{found.mint_url} (version {found.version})"),
        ("organization", found.org),
        ("roles", ", ".join(found.roles) or "none"),
        ("workflow allowed", "yes" if found.workflow_allowed else "no"),
    ]
    if role is not None:
        wanted = f"role {role} on {', '.join(repos) or 'the whole installation'}"
        rows.append((wanted, "would be allowed" if found.allowed else "would be refused"))
    print_table(("what", "answer"), rows)
    if role is None and not found.workflow_allowed:
        note(remedy_for("workflow_not_allowed"))
    if role is not None:
        _print_rules(found)


def _print_rules(found: MintStatus) -> None:
    rows = [
        ("ok" if rule.passed else "NO", rule.rule, rule.found, rule.expected, rule.code or "passed")
        for rule in found.rules
    ]
    print_table(("", "rule", "found", "needed", "outcome"), rows)
    for rule in found.rules:
        if not rule.passed:
            note(f"{rule.rule}: {rule.change}")
