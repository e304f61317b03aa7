"""The world and the mints behind the table of trust: few configurations, many rows."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fullsend_sandbox import names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fullsend_sandbox.world import World

HOSTS = "hosts/flows"
HOST_FLOW = f"{HOSTS}/.github/workflows/triage.yml"
CONFIG_FLOW = "octo-org/.fullsend/.github/workflows/triage.yml@refs/heads/main"
VARIABLE = "FULLSEND_FOREIGN_{}_REPOS"
REPOSITORIES = (
    "octo-org/lib",
    "other-org/lib",
    "other-org/open",
    "other-org/junk",
    "other-org/none",
    "third-org/app",
)
FILES = {"ALLOWED_WORKFLOW_FILES": names.WORKFLOW_FILES, "WORKFLOW_HOST_REPOS": f"{HOSTS},fullsend-ai/fullsend"}
TIGHT = FILES | {"ALLOWED_ORGS": "octo-org,bare-org", "PER_REPO_WIF_REPOS": "other-org/app,octo-org/docs"}
SCANNER = {
    "levels": {
        "look": {"contents": "read"},
        "read": {"contents": "read", "issues": "read"},
        "write": {"contents": "read", "issues": "write", "workflows": "read"},
        "full": {"contents": "write", "issues": "write", "pull_requests": "write", "workflows": "write"},
    }
}
GRANTS = {
    ("other-org/lib", "CODER"): "x/y, octo-org/app",
    ("other-org/open", "CODER"): "Octo-Org",
    (
        "other-org/junk",
        "CODER",
    ): "*,octo-org/*,octo-orgg,/octo-org/app,octo-org/app/x,octo-org/appx, ,https://octo-org",
    ("octo-org/lib", "CODER"): "octo-org/app,other-org/app",
    ("octo-org/docs", "TRIAGE"): "octo-org/app",
    ("other-org", "TRIAGE"): "octo-org/app",
    ("other-org", "REVIEW"): "octo-org/lib",
    ("octo-org", "CODER"): "octo-org/app",
    ("other-org/lib", "FIX"): "octo-org/app",
}


@dataclass
class TrustWorld:
    """The world with its repositories and commits; ``commits`` are by descriptive name."""

    world: World
    commits: dict[str, str] = field(default_factory=dict)

    def furnish(self) -> None:
        github = self.world.github
        for org in ("hosts", "third-org", "stranger"):
            github.create_org(org)
        for repository in REPOSITORIES:
            github.create_repo(repository)
        github.create_repo(HOSTS, private=False)
        scanner = github.create_app(
            "octo-scanner", {"contents": "write", "issues": "write", "pull_requests": "write"}
        )
        self.world.apps["scanner"] = scanner
        self.world.secret_manager.add_version("fullsend-scanner-app-pem", scanner.private_key_pem)
        for org in ("octo-org", "other-org"):
            self.world.installations["scanner", org] = github.install_app(scanner, org)
        for role, app in self.world.apps.items():
            own = names.app_permissions().get(role, SCANNER["levels"]["full"])
            github.change_permissions(app, names.GRANT_PERMISSIONS | own)
        for installation in self.world.installations.values():
            github.accept_permissions(installation)
        for (holder, role), value in GRANTS.items():
            github.actions.put_variable(holder, VARIABLE.format(role), value)
        self._commits()
        self.world.admit_orgs()
        self.world.put_provider("gh-octo-org-docs", "assertion.repository == 'octo-org/docs'")
        self.world.put_provider("gh-other-org-app", "assertion.repository == 'other-org/app'")

    def _commits(self) -> None:
        git = self.world.github.git
        old = git.commit(HOSTS)
        self.commits = {"main": git.commit(HOSTS), "old": old}
        git.branch(HOSTS, "wip")
        self.commits["wip"] = git.commit(HOSTS, branch="wip")
        git.tag(HOSTS, "v1.2")
        git.fork(HOSTS, "stranger")
        self.commits["fork"] = git.commit("stranger/flows")
        self.commits["unknown"] = "ab" * 20

    def environment(self, name: str) -> dict[str, str]:
        ids = {
            "octo-org": self.world.github.id_of("octo-org"),
            "octo-org/app": str(self.world.github.id_of("octo-org/app")),
            "bare-org": 1,
        }
        app_ids = {role: str(app.id) for role, app in self.world.apps.items()}
        claims = {"event_name": ["push", "workflow_dispatch"], "ref": ["refs/heads/*"]}
        refs = "refs/heads/main,refs/tags/v*,commits"
        own: Mapping[str, Mapping[str, str]] = {
            "caller": TIGHT | {
                "REPO_SCOPE": "caller",
                "CUSTOM_ROLE_PERMISSIONS": json.dumps({"scanner": SCANNER}),
                "ROLE_APP_IDS": json.dumps(app_ids),
            },
            "grants": TIGHT | {
                "REPO_SCOPE": '{"review": "organization", "*": "caller"}', "GRANTS": "1",
                "ENROLLED_IDS": json.dumps(ids),
            },
            "public": FILES | {
                "ALLOWED_ORGS": "*", "REPO_SCOPE": "caller", "WORKFLOW_REFS": refs,
                "REQUIRED_CLAIMS": json.dumps(claims), "ENROLLED_IDS": json.dumps(ids), "DEFAULT_LEVEL": "read",
            },
            "report": TIGHT | {
                "REPO_SCOPE": "caller", "WORKFLOW_REFS": "refs/heads/main",
                "REQUIRED_CLAIMS": json.dumps(claims), "ENROLLED_IDS": json.dumps(ids),
                "REPORT_ONLY": "repo_scope,workflow_refs,claims,ids",
            },
            "old": FILES | {
                "ALLOWED_ORGS": "octo-org,other-org", "PER_REPO_WIF_REPOS": "octo-org/docs,other-org/app",
                "FULLSEND_REPO_ONLY_ORGS": "other-org", "MALLOC_ARENA_MAX": "2",
                "ROLE_APP_IDS": json.dumps(app_ids | {"octo-org/coder": "1"}),
            },
            "old public": FILES | {"ALLOWED_ORGS": "*"},
        }  # fmt: skip
        return dict(own[name])


@dataclass(frozen=True)
class TrustRow:
    """A request to a configuration, and all of the answer that matters.

    ``repos`` are the granted names, empty for the whole installation. ``job`` are the job's fields; a value that
    begins with ``@`` names a commit. ``claims`` replace claims of the token. ``looks_up`` is whether the mint may
    call GitHub before it denies, ``exchanges`` whether STS is asked before it refuses.
    """

    config: str
    id: str
    body: Any
    job: Mapping[str, str] = field(default_factory=dict)
    claims: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    code: str = ""
    repos: tuple[str, ...] = ()
    permissions: Mapping[str, str] = field(default_factory=dict)
    warns: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    looks_up: bool = False
    exchanges: bool = False
