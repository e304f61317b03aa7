"""Environments, jobs and requests by chance, from few names, so that many of them meet."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.property.trust_oracle import Forge

if TYPE_CHECKING:
    import random

    from fullsend_sandbox.github import GitHubService

HOST = "hosts/flows"
REPOSITORIES = (
    "acme/app",
    "acme/lib",
    "acme/.fullsend",
    "globex/site",
    "globex/tools",
    "umbrella/lab",
    "acme/tools",
)
NAMES = ("app", "lib", ".fullsend", "site", "tools", "lab", "nowhere")
INSTALLED = ("acme", "globex")
VARIABLES = {
    ("globex/tools", "FULLSEND_FOREIGN_CODER_REPOS"): "acme/app, umbrella",
    ("globex/site", "FULLSEND_FOREIGN_CODER_REPOS"): "acme",
    ("globex/site", "FULLSEND_FOREIGN_TRIAGE_REPOS"): "acme/lib,*,acme/*",
    ("acme/tools", "FULLSEND_FOREIGN_CODER_REPOS"): "ACME/app,globex/site",
    ("acme/lib", "FULLSEND_FOREIGN_FIX_REPOS"): "globex",
    ("globex", "FULLSEND_FOREIGN_CODER_REPOS"): "acme/app",
    ("acme", "FULLSEND_FOREIGN_TRIAGE_REPOS"): "acme/lib,globex",
    ("globex/tools", "FULLSEND_FOREIGN_SCANNER_REPOS"): "acme/app",
}
CUSTOM = json.dumps(
    {
        "scanner": {
            "levels": {
                "look": {"contents": "read"},
                "read": {"contents": "read", "issues": "read"},
                "write": {"contents": "read", "issues": "write", "workflows": "read"},
                "full": {"contents": "write", "issues": "write", "workflows": "write"},
            }
        }
    }
)


def furnish(github: GitHubService) -> tuple[Forge, dict[str, str]]:
    """Return what GitHub knows afterwards, and the App ID of each role."""
    for org in ("acme", "globex", "umbrella", "hosts", "stranger"):
        github.create_org(org)
    for repository in REPOSITORIES:
        github.create_repo(repository)
    github.create_repo(HOST, private=False)
    ids = {name: str(github.id_of(name)) for name in (*REPOSITORIES, "acme", "globex", "umbrella")}
    for (holder, name), value in VARIABLES.items():
        github.actions.put_variable(holder, name, value)
    mine = github.git.commit(HOST)
    github.git.fork(HOST, "stranger")
    everything = dict.fromkeys(("actions", "contents", "issues", "pull_requests", "checks", "workflows"), "write")
    reading = {"actions_variables": "read", "organization_actions_variables": "read"}
    apps = {}
    for role in ("coder", "triage", "scanner", "fullsend"):
        app = github.create_app(f"fullsend-{role}", everything | reading)
        apps[role] = str(app.id)
        for org in INSTALLED:
            github.install_app(app, org)
    forge = Forge(frozenset(INSTALLED), frozenset(REPOSITORIES), ids, VARIABLES, frozenset({mine}))
    return forge, apps | {"@fork": github.git.commit("stranger/flows"), "@mine": mine}


def environment(dice: random.Random, forge: Forge, apps: dict[str, str]) -> dict[str, str]:
    """Return a mint's environment; an empty value is an unset variable."""
    narrow = json.dumps({"coder": "organization", "*": "caller"})
    right = {"acme": forge.ids["acme"], "acme/app": forge.ids["acme/app"]}
    rules = ("repo_scope", "workflow_refs", "claims", "ids")
    chosen = {
        "ALLOWED_ORGS": dice.choice(["acme", "ACME,globex", "ACME,globex", "*", "*", "globex", "umbrella,acme"]),
        "PER_REPO_WIF_REPOS": dice.choice(["", "", "globex/site", "acme/app", "Globex/Site,acme/app"]),
        "ALLOWED_WORKFLOW_FILES": dice.choice(["triage.yml,Coder.yml", "*"]),
        "WORKFLOW_HOST_REPOS": HOST,
        "REPO_SCOPE": dice.choice(["", "caller", "caller", "organization", narrow, '{"triage": "caller"}']),
        "DEFAULT_LEVEL": dice.choice(["", "", "read", "write"]),
        "WORKFLOW_REFS": dice.choice(
            ["", "", "refs/heads/main", "refs/heads/main,refs/tags/v*", "refs/heads/main,commits"]
        ),
        "REQUIRED_CLAIMS": dice.choice(["", "", '{"event_name": ["push"]}', '{"event_name": ["sch*", "push"]}']),
        "ENROLLED_IDS": dice.choice(["", "", json.dumps(right), '{"Globex": 1}']),
        "GRANTS": dice.choice(["", "0", "1", "1"]),
        "REPORT_ONLY": ",".join(dice.sample(rules, dice.choice([0, 0, 0, 1, 2, 4]))),
        "ALLOWED_ROLES": dice.choice(["", "", "", "coder,triage"]),
        "ROLE_APP_IDS": json.dumps({role: number for role, number in apps.items() if role[0] != "@"}),
        "CUSTOM_ROLE_PERMISSIONS": CUSTOM,
        "GITHUB_API_URL": "http://127.0.0.1:1",
        "PEM_DIR": "./pems",
    }
    return {name: value for name, value in chosen.items() if value}


def claims(dice: random.Random, forge: Forge, apps: dict[str, str]) -> dict[str, Any]:
    """Return the claims of a job, for the most part of one that is trusted."""
    repository = dice.choice([*REPOSITORIES, "acme/app", "acme/app", "globex/site"])
    owner = repository.partition("/")[0]
    home = dice.choice([HOST] * 5 + [f"{owner}/.fullsend", repository, "evil/x"])
    file = dice.choice(["triage.yml"] * 4 + ["coder.yml", "evil.yml"])
    ref = dice.choice(
        ["refs/heads/main"] * 4
        + ["refs/heads/wip", "refs/tags/v1", "refs/pull/1/merge", apps["@mine"], apps["@fork"]]
    )
    given: dict[str, Any] = {
        "repository": dice.choice([repository, repository, repository.title()]),
        "job_workflow_ref": f"{home}/.github/workflows/{file}@{ref}",
        "event_name": dice.choice(["push"] * 6 + ["schedule", "pull_request"]),
        "repository_owner_id": dice.choice([forge.ids[owner]] * 8 + ["7", None]),
        "repository_id": dice.choice([forge.ids[repository]] * 8 + ["7"]),
    }
    given["repository_owner"] = given["repository"].partition("/")[0]
    return given


def body(dice: random.Random) -> dict[str, Any]:
    """Return a well-formed request."""
    asked: dict[str, Any] = {
        "role": dice.choice([*["coder"] * 5, *["triage"] * 2, "fix", "scanner", "fullsend", "nobody"])
    }
    repos = dice.choice([None, None, [], ["*"], *([dice.sample(NAMES, dice.choice([1, 1, 1, 2, 3]))] * 5)])
    if repos is not None:
        asked["repos"] = [dice.choice([name, name, name.upper()]) for name in repos]
    if dice.random() < 0.3:
        asked["level"] = dice.choice(["read", "read", "write", "write", "full", "look", "none"])
    if dice.random() < 0.25:
        names = ("contents", "issues", "pull_requests", "checks", "metadata", "secrets", "workflows")
        asked["permissions"] = {
            name: dice.choice(["read", "read", "write", "admin"])
            for name in dice.sample(names, dice.choice([1, 1, 2]))
        }
    if repos and dice.random() < 0.4:
        asked["target_org"] = dice.choice(["acme", "globex", "Globex", "umbrella"])
    return asked
