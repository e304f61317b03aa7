"""`fullsend mint status --project`: show the state of the mint, or of one organization or repository in it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from fullsend.cli.mint.operator_options import google, resolver
from fullsend.cli.output import note, print_json, print_table, progress
from fullsend.failure import Failure
from fullsend.github.name_resolver import UnknownNameError
from fullsend.operate.doctor.read_names import changed_names
from fullsend.operate.gcp.read_state import read_state
from fullsend.operate.model import names
from fullsend.operate.model.status_report import about, healthy, report
from fullsend.operate.plan.enrollment import require_mint
from mintcore.policy.names import Org

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fullsend.operate.doctor.finding import Finding
    from fullsend.operate.model.mint_state import MintState
    from mintcore.policy.names import Repo


def show(project: str, region: str, target: str | None, *, as_json: bool) -> bool:
    """Print the state of the mint, or of one organization or repository in it; return whether it is healthy."""
    with google(project, region) as cloud:
        wanted = names.target(target) if target else None
        with progress(f"reading the project {project}"):
            state = read_state(cloud)
        require_mint(state)
    if wanted is not None:
        spelled, number, unknown = _on_github(state, wanted)
        found = about(state, wanted, spelled, number)
        renamed = [one for one in _changed(state, only=wanted) if one.code == "renamed"]
        found["renamed"] = bool(renamed)
        print_json(found) if as_json else _print_target(found, state.location.flags(), unknown)
        _print_changed(() if as_json else renamed)
        return bool(found["enrolled"] and found["admitted"] and found["same_account"] and not renamed)
    everything = report(state)
    changed = _changed(state)
    well = healthy(state) and not changed
    shown = {**everything, "changed_names": [asdict(one) for one in changed], "healthy": well}
    print_json(shown) if as_json else _print_mint(everything)
    _print_changed(() if as_json else changed)
    if not well and not as_json:
        note(f"The mint is not healthy. Fix: fullsend mint doctor {state.location.flags()} shows the commands.")
    return well


def _changed(state: MintState, only: Org | Repo | None = None) -> list[Finding]:
    """Return the enrolled names that were renamed or taken over, or only the given one of them."""
    with progress("asking GitHub about the enrolled names"):
        return changed_names(state, resolver(state.environment), only)


def _print_changed(changed: Iterable[Finding]) -> None:
    for one in changed:
        indented = one.fix.replace("\n", "\n     ")
        click.echo(f"{one.what}\nFix: {indented}")


def _on_github(state: MintState, target: Org | Repo) -> tuple[str, str, str]:
    """Return GitHub's spelling and id of a name, and a sentence if GitHub does not show the name.

    Spelling and id are empty if GitHub does not show them, because the name may be private.
    """
    asked = resolver(state.environment)
    try:
        with progress(f"asking GitHub for the spelling and id of {target}"):
            found = asked.account(target) if isinstance(target, Org) else asked.repository(target)
    except UnknownNameError as error:
        # The remedy of the error names --as-spelled, which this command does not have.
        fix = "Check the name. If it is private, set GH_TOKEN to a token that can see it, such as $(gh auth token)."
        return "", "", f"{error.message}\nFix: {fix}"
    except Failure:
        return "", "", ""
    return str(found.name), found.number, ""


def _print_target(found: Mapping[str, Any], flags: str, unknown: str) -> None:
    """Print one organization or repository; ``unknown`` is a sentence, empty if GitHub shows the name."""
    rows = [
        ("enrolled", "yes" if found["enrolled"] else "no"),
        (f"admitted by {found['provider']}", "yes" if found["admitted"] else "no"),
    ]
    if found["enrolled"] or found["enrolled_id"]:
        rows.append(("enrolled id", found["enrolled_id"] or "not set: only the name is compared"))
    if found["repositories"]:
        rows.append(("repositories enrolled separately", ", ".join(found["repositories"])))
    print_table((str(found["name"]), ""), rows)
    # Printed below the table, because a column would break a command that the user copies.
    sent = found["sent_by_github"]
    if not found["same_account"]:
        click.echo(
            f"The name {found['name']} now belongs to another account (id {found['id']}); the enrolled id is "
            f"{found['enrolled_id']}. Fix: fullsend mint unenroll {found['name']} {flags}"
        )
    elif found["repositories"] and not found["enrolled"]:
        # Only a note: enrolling the organization would widen access.
        click.echo(f"{sent} itself is not enrolled. To enroll all of it: fullsend mint enroll {sent} {flags}")
    elif not (found["enrolled"] and found["admitted"]):
        if found["in_condition"]:
            click.echo(f"The condition has {found['in_condition']}, and GitHub sends {sent}, which gets 401.")
        # enroll would fail with the same sentence.
        click.echo(unknown if unknown and not found["enrolled"] else f"Fix: fullsend mint enroll {sent} {flags}")


def _print_mint(found: Mapping[str, Any]) -> None:
    traffic = ", ".join(f"{name} {percent} %" for name, percent in found["traffic"].items()) or "none"
    rows = [
        ("url", found["url"]),
        ("function", found["function"]),
        ("source", found["source_sha256"][:12] or "unknown"),
        ("traffic", traffic),
        ("organizations", "all (public)" if found["public"] else ", ".join(found["orgs"]) or "none"),
        ("repositories enrolled separately", ", ".join(found["repos"]) or "none"),
        ("workflow files", ", ".join(found["workflow_files"]) or "none"),
        ("pool", found["pool"]),
    ]
    rows += [
        (f"issuer {name}", f"{one['kind']}, {one['url']}; entries of CALLERS: {one['entries']}")
        for name, one in found["issuers"].items()
    ]
    rows += [(f"role {role}", f"App {app}{_key(found, role)}") for role, app in sorted(found["roles"].items())]
    rows += [(f"role {role}", "App of coder") for role in found["permissions"] if role not in found["roles"]]
    rows += [
        (f"provider {name}", f"{one['state']}: {one['condition']}") for name, one in found["providers"].items()
    ]
    print_table(("what", "state"), rows)
    levels = [
        (role, level, " ".join(f"{name}:{access}" for name, access in sorted(listed.items())))
        for role, per_level in found["permissions"].items()
        for level, listed in per_level.items()
    ]
    if levels:
        print_table(("role", "level", "permissions"), levels)


def _key(found: Mapping[str, Any], role: str) -> str:
    if role in found["kms_keys"]:
        return f", key in Cloud KMS, version {found['kms_keys'][role].rpartition('/')[2]}"
    secret = found["secrets"].get(role)
    if secret is None:
        return ""
    version = f"version {secret['version']} " if secret["version"] else ""
    return f", key {version}{secret['state']}" + ("" if secret["readable"] else ", not readable by the mint")
