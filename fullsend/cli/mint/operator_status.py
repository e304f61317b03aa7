"""`fullsend mint status --project`: how the mint stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fullsend.cli.mint.operator_options import google, resolver
from fullsend.cli.output import note, print_json, print_table, progress
from fullsend.failure import Failure
from fullsend.operate.gcp.read_state import read_state
from fullsend.operate.model import names
from fullsend.operate.model.status_report import about, healthy, report
from fullsend.operate.plan.enrollment import require_mint
from mintcore.policy.names import Org

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend.operate.model.mint_state import MintState
    from mintcore.policy.names import Repo


def show(project: str, region: str, target: str | None, *, as_json: bool) -> bool:
    """Print how the mint stands, or one organization or repository with it; say whether it is well."""
    with google(project, region) as cloud:
        wanted = names.target(target) if target else None
        with progress(f"reading the project {project}"):
            state = read_state(cloud)
        require_mint(state)
    if wanted is not None:
        found = about(state, wanted, _spelled(state, wanted))
        print_json(found) if as_json else _print_target(found, state.location.flags())
        return bool(found["enrolled"] and found["admitted"])
    everything = report(state)
    well = healthy(state)
    print_json({**everything, "healthy": well}) if as_json else _print_mint(everything)
    if not well and not as_json:
        note(f"Not everything is as it should be: fullsend mint doctor {state.location.flags()}")
    return well


def _spelled(state: MintState, target: Org | Repo) -> str:
    """Return GitHub's spelling of a name, empty where GitHub does not tell: it may be private."""
    asked = resolver(state.environment)
    try:
        with progress(f"asking GitHub how it spells {target}"):
            return str(asked.org(target) if isinstance(target, Org) else asked.repo(target))
    except Failure:
        return ""


def _print_target(found: Mapping[str, Any], flags: str) -> None:
    rows = [
        ("enrolled", "yes" if found["enrolled"] else "no"),
        (f"admitted by {found['provider']}", "yes" if found["admitted"] else "no"),
    ]
    print_table((str(found["name"]), ""), rows)
    # Below the table, where no column breaks what is to be copied.
    sent = found["sent_by_github"]
    if not found["admitted"] and found["in_condition"]:
        click.echo(f"the condition has {found['in_condition']}, and GitHub sends {sent}, which gets 401")
    if not (found["enrolled"] and found["admitted"]):
        click.echo(f"Fix: fullsend mint enroll {sent} {flags}")


def _print_mint(found: Mapping[str, Any]) -> None:
    traffic = ", ".join(f"{name} {percent} %" for name, percent in found["traffic"].items()) or "none"
    rows = [
        ("url", found["url"]),
        ("function", found["function"]),
        ("source", found["source_sha256"][:12] or "unknown"),
        ("traffic", traffic),
        ("organizations", "every one (public)" if found["public"] else ", ".join(found["orgs"]) or "none"),
        ("repositories of their own", ", ".join(found["repos"]) or "none"),
        ("workflow files", ", ".join(found["workflow_files"]) or "none"),
        ("pool", found["pool"]),
    ]
    rows += [(f"role {role}", f"App {app}{_key(found, role)}") for role, app in sorted(found["roles"].items())]
    rows += [
        (f"provider {name}", f"{one['state']}: {one['condition']}") for name, one in found["providers"].items()
    ]
    print_table(("what", "state"), rows)


def _key(found: Mapping[str, Any], role: str) -> str:
    secret = found["secrets"].get(role)
    if secret is None:
        return ""
    version = f"version {secret['version']} " if secret["version"] else ""
    return f", key {version}{secret['state']}" + ("" if secret["readable"] else ", not readable by the mint")
