# ruff: noqa: E501 - a row stays on its line
"""The table of trust: caller, enrollment, scope, repositories, level, target and grants against the answer.

What is expected is written out or made from the sandbox's own table of permissions, never from the mint's code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fullsend_sandbox import names
from tests.contract.trust_world import CONFIG_FLOW, HOST_FLOW, SCANNER, TrustRow

if TYPE_CHECKING:
    from collections.abc import Mapping

APPS = names.app_permissions()
FULL: Mapping[str, Mapping[str, str]] = {
    **APPS,
    "fix": {"contents": "write", "pull_requests": "write", "issues": "write", "metadata": "read"},
}
METADATA = {"metadata": "read"}
OTHER = {"repository": "other-org/app", "workflow": "other-org/app/.github/workflows/triage.yml@refs/heads/main"}
DOCS = {"repository": "octo-org/docs", "workflow": "octo-org/docs/.github/workflows/triage.yml@refs/heads/main"}
CONFIG = {"repository": "octo-org/.fullsend", "workflow": CONFIG_FLOW}
STRANGER = {"repository": "third-org/app", "workflow": f"{HOST_FLOW}@refs/heads/main"}
APP = {"repository": "octo-org/app", "workflow": CONFIG_FLOW}


def level(role: str, name: str = "write") -> dict[str, str]:
    """What GitHub grants of a role's level: it does not have ``workflows: read``."""
    full = FULL[role]
    return dict(full) if name == "write" else {one: "read" for one in full if one != "workflows"}


def scanner(name: str) -> dict[str, str]:
    return {
        one: access for one, access in SCANNER["levels"][name].items() if (one, access) != ("workflows", "read")
    }


def lacks(role: str, name: str) -> tuple[str, ...]:
    return ("workflows:read",) if name == "read" and "workflows" in FULL[role] else ()


def ok(config: str, what: str, body: Any, repos: str = "", permissions: Any = None, **more: Any) -> TrustRow:
    """A row that mints; ``repos`` are full names, and ``permissions`` those of the role if none are given."""
    given = level(body["role"], body.get("level", "write")) if permissions is None else permissions
    return TrustRow(config, what, body, repos=tuple(repos.split()), permissions=given, **more)


def no(config: str, what: str, body: Any, code: str, *says: str, status: int = 403, **more: Any) -> TrustRow:
    return TrustRow(config, what, body, status=status, code=code, says=says, **more)


def coder(*repos: str, **more: Any) -> dict[str, Any]:
    return {"role": "coder", **({"repos": list(repos)} if repos else {}), **more}


def role(name: str, *repos: str, **more: Any) -> dict[str, Any]:
    return coder(*repos, **more) | {"role": name}


MALFORMED_LEVELS: list[Any] = ["", "Read", "read ", "a" * 33, 1, True, ["read"], {}, "*", "r\u0435ad"]
MALFORMED_ORGS: list[Any] = ["", "other-org/lib", "a b", 1, ["other-org"], {}, "*", "\u043ether-org", "x" * 101]
MALFORMED_PERMISSIONS: list[Any] = [
    {}, [], "contents:read", 1, True, {"contents": "none"}, {"contents": None}, {"contents": ["read"]},
    {"Contents": "read"}, {"": "read"}, {"contents": "READ"}, {"a" * 65: "read"},
]  # fmt: skip

SCOPE = (
    ok("caller", "no list is the calling repository", coder(), "octo-org/app", job=APP),
    ok("caller", "an empty list is the calling repository", coder() | {"repos": []}, "octo-org/app", job=APP),
    ok("caller", "null is the calling repository", coder() | {"repos": None}, "octo-org/app", job=APP),
    ok("caller", "itself by name", coder("app"), "octo-org/app", job=APP),
    ok("caller", "itself in other case", coder("APP"), "octo-org/app", job=APP),
    ok("caller", "itself and .fullsend", coder("app", ".fullsend"), "octo-org/app octo-org/.fullsend", job=APP),
    ok("caller", ".fullsend only", coder(".FullSend"), "octo-org/.fullsend", job=APP),
    ok("caller", "another role of the same scope", role("review"), "octo-org/app", job=APP),
    no("caller", "another repository", coder("docs"), "scope_not_allowed", "octo-org/docs", "octo-org/app and",
       job=APP),
    no("caller", "itself and another repository", coder("app", "docs"), "scope_not_allowed", job=APP),
    no("caller", "a repository that does not exist", coder("nowhere"), "scope_not_allowed", job=APP),
    no("caller", "a name that begins like its own", coder("app2"), "scope_not_allowed", job=APP),
    no("caller", "a name that begins like .fullsend", coder(".fullsend-evil"), "scope_not_allowed", job=APP),
    no("caller", "the whole installation", coder("*"), "scope_not_allowed", "every repository", job=APP),
    ok("caller", "from .fullsend, no list is .fullsend", coder(), "octo-org/.fullsend", job=CONFIG),
    ok("caller", "from .fullsend, any repository", coder("docs"), "octo-org/docs", job=CONFIG),
    ok("caller", "from .fullsend, several", coder("docs", "app", "lib"), "octo-org/docs octo-org/app octo-org/lib",
       job=CONFIG),
    no("caller", "from .fullsend, the whole installation", coder("*"), "scope_not_allowed", "by name", job=CONFIG),
    no("caller", "from .fullsend, a repository that does not exist", coder("nowhere"), "repos_not_accessible",
       status=422, job=CONFIG, looks_up=True),
    ok("caller", "enrolled itself and its owner too: its own workflow", coder(), "octo-org/docs", job=DOCS),
    ok("caller", "enrolled itself and its owner too: .fullsend", coder(".fullsend"), "octo-org/.fullsend", job=DOCS),
    no("caller", "enrolled itself and its owner too: another", coder("app"), "scope_not_allowed", job=DOCS),
    ok("caller", "enrolled by itself: no list", coder(), "other-org/app", job=OTHER),
    ok("caller", "enrolled by itself: itself", coder("App"), "other-org/app", job=OTHER),
    no("caller", "enrolled by itself: .fullsend", coder(".fullsend"), "scope_not_allowed", "itself only", job=OTHER),
    no("caller", "enrolled by itself: itself and .fullsend", coder("app", ".fullsend"), "scope_not_allowed",
       job=OTHER),
    no("caller", "enrolled by itself: a sibling", coder("lib"), "scope_not_allowed", job=OTHER),
    no("caller", "enrolled by itself: the whole installation", coder("*"), "scope_not_allowed", job=OTHER),
    ok("caller", "enrolled by itself, from its owner's config repository's workflow", coder(), "other-org/app",
       job=OTHER | {"workflow": "other-org/.fullsend/.github/workflows/coder.yml@refs/heads/main"}),
    no("caller", "a sibling of a repository that is enrolled by itself", coder(), "org_not_allowed",
       job=OTHER | {"repository": "other-org/lib"}),
    no("caller", "the config repository of its owner", coder(), "org_not_allowed",
       job={"repository": "other-org/.fullsend", "workflow": f"{HOST_FLOW}@refs/heads/main"}),
    no("caller", "an owner that is not enrolled", coder(), "org_not_allowed", job=STRANGER),
    no("caller", "an enrolled organization without the App", coder(), "app_not_installed", status=422, looks_up=True,
       job={"repository": "bare-org/app", "workflow": f"{HOST_FLOW}@refs/heads/main"}),
    no("caller", "the workflow is denied before the scope", coder("docs"), "workflow_not_allowed",
       job=APP | {"workflow": "octo-org/app/.github/workflows/triage.yml@refs/heads/main"}),
    no("caller", "the role is denied before the scope", role("nobody", "docs"), "role_not_allowed", job=APP),
    ok("grants", "a role of scope organization: another repository", role("review", "docs"), "octo-org/docs",
       job=APP),
    ok("grants", "a role of scope organization: no list is everything", role("review"), job=APP),
    ok("grants", "a role of scope organization: everything", role("review", "*"), job=APP),
    ok("grants", "a role of scope organization, enrolled by itself: no list", role("review"), "other-org/app",
       job=OTHER),
    ok("old", "as before: no list is everything", coder(), job=APP),
    ok("old", "as before: an empty list is everything", coder() | {"repos": []}, job=APP),
    ok("old", "as before: everything", coder("*"), job=APP),
    ok("old", "as before: another repository", coder("docs"), "octo-org/docs", job=APP),
    ok("old", "as before: from any ref of the host", coder("app"), "octo-org/app",
       job=APP | {"workflow": f"{HOST_FLOW}@refs/pull/7/merge"}),
    ok("old", "as before: a repository of an organization that was enrolled for single repositories", coder("lib"),
       "other-org/lib", job=OTHER),
    ok("old public", "as before: everything of any organization", coder("*"),
       job={"repository": "other-org/app", "workflow": f"{HOST_FLOW}@refs/pull/7/head"}),
    ok("old public", "as before: the whole role", coder(), job=APP | {"workflow": f"{HOST_FLOW}@refs/heads/wip"}),
    no("old public", "as before: not the config repository's workflow", coder("app"), "workflow_not_allowed", job=APP),
    ok("old", "as before: with any claims", coder("app"), "octo-org/app",
       job=APP | {"event_name": "pull_request_target"}),
)  # fmt: skip

LEVELS = (
    *(
        ok("caller", f"{name} at level {one}", role(name, level=one), "octo-org/app", job=APP,
           warns=lacks(name, one))
        for name in sorted(FULL)
        for one in ("read", "write")
    ),
    *(
        ok("caller", f"scanner at level {one}", role("scanner", level=one), "octo-org/app",
           METADATA | scanner(one), job=APP, warns=("workflows:read",) if one == "write" else ())
        for one in SCANNER["levels"]
    ),
    ok("caller", "scanner at its default level", role("scanner"), "octo-org/app",
       METADATA | scanner("write"), job=APP, warns=("workflows:read",)),
    no("caller", "level null", coder(level=None), "invalid_level", status=400, job=APP),
    ok("public", "the default level is the operator's", coder(), "octo-org/app", level("coder", "read"),
       job=APP | {"workflow": f"{HOST_FLOW}@refs/heads/main"}),
    ok("public", "a level above the default", coder(level="write"), "octo-org/app",
       job=APP | {"workflow": f"{HOST_FLOW}@refs/heads/main"}),
    *(
        no("caller", f"level {one!r} is malformed", coder(level=one), "invalid_level", status=400, job=APP)
        for one in MALFORMED_LEVELS
    ),
    no("caller", "a level of another role", coder(level="full"), "invalid_level", "read, write", status=400, job=APP),
    no("caller", "a level that no role has", role("scanner", level="admin"), "invalid_level",
       "look, read, write, full", status=400, job=APP),
    no("caller", "the organization is denied before the level", coder(level="full"), "org_not_allowed",
       job=STRANGER),
    *(
        ok("caller", f"permissions {asked}", coder(permissions=asked), "octo-org/app", METADATA | asked, job=APP)
        for asked in (
            {"contents": "read"},
            {"contents": "write"},
            {"issues": "read", "contents": "write"},
            {"metadata": "read"},
            {"checks": "read"},
            level("coder"),
        )
    ),
    ok("caller", "permissions within the level read", coder(level="read", permissions={"issues": "read"}),
       "octo-org/app", METADATA | {"issues": "read"}, job=APP),
    no("caller", "permissions null", coder(permissions=None), "invalid_permissions", status=400, job=APP),
    *(
        ok("caller", f"read access to workflows beside another permission, level {one}",
           role("fullsend", level=one, permissions={"workflows": "read", "contents": "read"}), "octo-org/app",
           METADATA | {"contents": "read"}, job=APP, warns=("workflows:read",))
        for one in ("read", "write")
    ),
    *(
        no("caller", f"read access to workflows and nothing else: {name}, level {one}",
           role(name, level=one, permissions={"workflows": "read"}), "permissions_not_granted", "workflows:read",
           "workflows:write", status=422, job=APP, exchanges=True)
        for name in ("fullsend", "e2e")
        for one in ("read", "write")
    ),
    no("caller", "read access to workflows for a role that has none", coder(permissions={"workflows": "read"}),
       "permissions_not_allowed", "workflows:read", job=APP),
    no("caller", "write access to workflows at level read", role("fullsend", level="read",
       permissions={"workflows": "write"}), "permissions_not_allowed", "workflows:write", job=APP),
    *(
        no("caller", f"permissions beyond the level: {asked}", coder(permissions=asked), "permissions_not_allowed",
           says, job=APP)
        for asked, says in (
            ({"contents": "admin"}, "contents:admin"),
            ({"checks": "write"}, "checks:write"),
            ({"administration": "read"}, "administration:read"),
            ({"contents": "read", "secrets": "read", "actions": "write"}, "actions:write, secrets:read"),
            ({"metadata": "write"}, "metadata:write"),
        )
    ),
    no("caller", "permissions beyond the level read", coder(level="read", permissions={"contents": "write"}),
       "permissions_not_allowed", "contents:write", job=APP),
    no("caller", "permissions of a wider level", role("scanner", level="look", permissions={"issues": "read"}),
       "permissions_not_allowed", "issues:read", job=APP),
    *(
        no("caller", f"permissions {asked!r} are malformed", coder(permissions=asked), "invalid_permissions",
           status=400, job=APP)
        for asked in MALFORMED_PERMISSIONS
    ),
)  # fmt: skip

TARGETS = (
    no("caller", "another organization without GRANTS", coder("lib", target_org="other-org"), "grants_not_enabled",
       "GRANTS=1", job=APP),
    no("caller", "everything of another organization without GRANTS", coder("*", target_org="other-org"),
       "grants_not_enabled", job=APP),
    ok("caller", "its own organization as the target changes nothing", coder("app", target_org="Octo-Org"),
       "octo-org/app", job=APP),
    no("caller", "its own organization as the target, another repository", coder("docs", target_org="octo-org"),
       "scope_not_allowed", job=APP),
    *(
        no("grants", f"target_org {one!r} is malformed", coder("lib", target_org=one), "invalid_target_org",
           status=400, job=APP)
        for one in MALFORMED_ORGS
    ),
    no("grants", "a target without repositories", coder(target_org="other-org"), "invalid_repos", "target_org",
       status=400, job=APP),
    no("grants", "a target with an empty list", coder(target_org="other-org") | {"repos": []}, "invalid_repos",
       status=400, job=APP),
    no("grants", "target_org null", coder("app", target_org=None), "invalid_target_org", status=400, job=APP),
    ok("grants", "a foreign repository that lists the caller", coder("lib", target_org="other-org"),
       "other-org/lib", job=APP),
    ok("grants", "a foreign repository in other case", coder("LIB", target_org="OTHER-org"), "other-org/lib", job=APP),
    ok("grants", "a foreign repository that lists the caller's owner", coder("open", target_org="other-org"),
       "other-org/open", job=APP),
    ok("grants", "two foreign repositories that grant", coder("lib", "open", target_org="other-org"),
       "other-org/lib other-org/open", job=APP),
    ok("grants", "a foreign repository at level read", coder("lib", target_org="other-org", level="read"),
       "other-org/lib", job=APP),
    ok("grants", "a foreign repository with less", coder("lib", target_org="other-org",
       permissions={"contents": "read"}), "other-org/lib", METADATA | {"contents": "read"}, job=APP),
    ok("grants", "fix has a variable of its own", role("fix", "lib", target_org="other-org"), "other-org/lib",
       job=APP),
    no("grants", "one of two foreign repositories does not grant", coder("lib", "none", target_org="other-org"),
       "target_not_granted", "other-org/none", "FULLSEND_FOREIGN_CODER_REPOS", job=APP, looks_up=True),
    no("grants", "a foreign repository without the variable", coder("none", target_org="other-org"),
       "target_not_granted", job=APP, looks_up=True),
    no("grants", "a foreign repository that does not exist", coder("nowhere", target_org="other-org"),
       "target_not_granted", job=APP, looks_up=True),
    no("grants", "entries that only resemble the caller", coder("junk", target_org="other-org"),
       "target_not_granted", job=APP, looks_up=True),
    no("grants", "a grant for another role", role("triage", "lib", target_org="other-org"), "target_not_granted",
       "FULLSEND_FOREIGN_TRIAGE_REPOS", job=APP, looks_up=True),
    no("grants", "a grant to a sibling", coder("lib", target_org="other-org"), "target_not_granted",
       job=APP | {"repository": "octo-org/lib"}, looks_up=True),
    no("grants", "the organization's grant is not for a repository by name",
       role("triage", "none", target_org="other-org"), "target_not_granted", job=APP, looks_up=True),
    no("grants", "a repository's grant is not for everything", coder("*", target_org="other-org"),
       "target_not_granted", "organization other-org", job=APP, looks_up=True),
    ok("grants", "everything of an organization that grants", role("triage", "*", target_org="other-org"), job=APP),
    no("grants", "everything, granted to a sibling", role("review", "*", target_org="other-org"),
       "target_not_granted", job=APP, looks_up=True),
    no("grants", "an organization without the App", coder("app", target_org="third-org"), "target_not_granted",
       job=APP, looks_up=True),
    no("grants", "a granted caller's name that now belongs to another repository", coder("lib", target_org="other-org"),
       "org_not_allowed", "different account", job=APP, claims={"repository_id": "1"}),
    no("grants", "a granted caller's owner whose name now belongs to another account",
       coder("lib", target_org="other-org"), "org_not_allowed", "different account", job=APP,
       claims={"repository_owner_id": "1"}),
    no("grants", "a granted caller whose token has no id", coder("lib", target_org="other-org"), "org_not_allowed",
       job=APP, claims={"repository_id": None}),
    ok("grants", "a granted caller without an id on record is known by its name only",
       coder("open", target_org="other-org"), "other-org/open", job=APP | {"repository": "octo-org/lib"},
       claims={"repository_id": "1"}),
    no("grants", "permissions are checked before grants", coder("lib", target_org="other-org",
       permissions={"contents": "admin"}), "permissions_not_allowed", job=APP),
    no("grants", "the workflow is checked before grants", coder("lib", target_org="other-org"),
       "workflow_not_allowed", job=APP | {"workflow": "octo-org/app/.github/workflows/triage.yml@refs/heads/main"}),
    ok("grants", "a sibling that lists the caller", coder("lib"), "octo-org/lib", job=APP),
    ok("grants", "itself and a sibling that both list it", role("triage", "docs"), "octo-org/docs", job=APP),
    no("grants", "a sibling that does not list it", coder("docs"), "target_not_granted", "octo-org/docs", job=APP,
       looks_up=True),
    ok("grants", "everything of its own organization, which grants it", coder("*"), job=APP),
    no("grants", "everything of its own organization, which does not", role("triage", "*"), "target_not_granted",
       "organization octo-org", job=APP, looks_up=True),
    no("grants", "enrolled by itself: a sibling that does not grant", coder("lib"), "target_not_granted", job=OTHER,
       looks_up=True),
    ok("grants", "enrolled by itself: a foreign repository that grants", coder("lib", target_org="octo-org"),
       "octo-org/lib", job=OTHER),
    no("grants", "enrolled by itself: everything", coder("*"), "target_not_granted", job=OTHER, looks_up=True),
)  # fmt: skip

MAIN = APP | {"workflow": f"{HOST_FLOW}@refs/heads/main"}


def at(ref: str) -> dict[str, str]:
    return APP | {"workflow": f"{HOST_FLOW}@{ref}"}


READ = level("coder", "read")
PROVENANCE = (
    *(
        ok("public", f"the host at {ref}", coder(), "octo-org/app", READ, job=at(ref))
        for ref in ("refs/heads/main", "refs/tags/v1", "refs/tags/v1/x", "@main", "@old")
    ),
    *(
        no("public", f"the host at {ref}", coder(), "workflow_not_allowed", job=at(ref))
        for ref in (
            "refs/heads/wip", "refs/heads/Main", "refs/heads/main2", "refs/heads/main/x", "refs/tags/main",
            "refs/tags/1", "refs/tags/V1", "refs/pull/7/merge", "refs/pull/7/head",
        )
    ),
    no("public", "a commit of another branch", coder(), "workflow_not_allowed", "is not part of", job=at("@wip"),
       looks_up=True),
    no("public", "a commit that only a fork has", coder(), "workflow_not_allowed", job=at("@fork"), looks_up=True),
    no("public", "a commit that nobody has", coder(), "workflow_not_allowed", job=at("@unknown"), looks_up=True),
    no("public", "a commit is looked up last", coder("docs"), "scope_not_allowed", job=at("@fork")),
    ok("public", "a claim in the list", coder(), "octo-org/app", READ, job=MAIN | {"event_name": "workflow_dispatch"}),
    ok("public", "a claim with any ending", coder(), "octo-org/app", READ, job=MAIN | {"ref": "refs/heads/x/y"}),
    *(
        no("public", f"{name} is {value!r}", coder(), "claims_not_allowed", name, job=MAIN, claims={name: value})
        for name, value in (
            ("event_name", "pull_request_target"), ("event_name", "PUSH"), ("event_name", "pushx"),
            ("event_name", ""), ("event_name", None), ("event_name", ["push"]), ("ref", "refs/tags/v1"),
            ("ref", "xrefs/heads/main"), ("ref", {"refs/heads/": 1}),
        )
    ),
    no("public", "the owner's name now belongs to another account", coder(), "org_not_allowed", "different account",
       job=MAIN, claims={"repository_owner_id": "1"}),
    no("public", "the owner's id is missing", coder(), "org_not_allowed", job=MAIN,
       claims={"repository_owner_id": None}),
    no("public", "the owner's id is a list", coder(), "org_not_allowed", job=MAIN,
       claims={"repository_owner_id": ["1"]}),
    no("public", "the repository's name now belongs to another one", coder(), "org_not_allowed", "octo-org/app",
       job=MAIN, claims={"repository_id": "1"}),
    ok("public", "a sibling that has no id on record", coder(), "octo-org/lib", READ,
       job=MAIN | {"repository": "octo-org/lib"}, claims={"repository_id": "1"}),
    no("public", "an organization whose id on record is another", coder(), "org_not_allowed",
       job=MAIN | {"repository": "bare-org/app"}),
    ok("public", "any organization with the App", coder(), "other-org/app", READ,
       job=MAIN | {"repository": "other-org/app"}),
    no("public", "any organization: not everything", coder("*"), "scope_not_allowed",
       job=MAIN | {"repository": "other-org/app"}),
    no("public", "a config repository's workflow", coder(), "workflow_not_allowed", job=APP),
)  # fmt: skip

LEAVES = "only reports"
REPORTS = (
    ok("report", "nothing to report", coder(), "octo-org/app", job=MAIN),
    ok("report", "beyond the scope", coder("docs"), "octo-org/docs", job=MAIN, warns=("repo_scope",)),
    ok("report", "the whole installation", coder("*"), job=MAIN, warns=("repo_scope",)),
    ok("report", "another ref", coder(), "octo-org/app", job=at("refs/heads/wip"), warns=("workflow_refs",)),
    ok("report", "another event", coder(), "octo-org/app", job=MAIN | {"event_name": "schedule"}, warns=("claims",)),
    ok("report", "another repository id", coder(), "octo-org/app", job=MAIN, claims={"repository_id": "1"},
       warns=("ids",)),
    ok("report", "everything at once", coder("docs"), "octo-org/docs",
       job=at("refs/heads/wip") | {"event_name": "schedule"}, claims={"repository_id": "1"},
       warns=("claims", "ids", "workflow_refs", "repo_scope")),
    no("report", "enrolled by itself: never more than itself", coder("lib"), "scope_not_allowed", job=OTHER),
    no("report", "another organization", coder("lib", target_org="other-org"), "grants_not_enabled", job=MAIN),
    no("report", "an owner that is not enrolled", coder(), "org_not_allowed", job=STRANGER),
    no("report", "permissions beyond the level", coder(permissions={"contents": "admin"}),
       "permissions_not_allowed", job=MAIN),
    no("report", "the account behind the name is another", coder(), "internal_error", status=500, job=MAIN,
       claims={"repository_owner_id": "1"}, looks_up=True),
)  # fmt: skip

SPELLING = (
    ok("caller", "a field one letter from repos", coder() | {"repo": ["docs"]}, "octo-org/app", job=APP,
       warns=("'repo'",)),
    ok("caller", "a field one letter from level", coder() | {"levels": "read"}, "octo-org/app", job=APP,
       warns=("'levels'",)),
    ok("caller", "fields one letter from others", coder() | {"target-org": "x", "permission": {}}, "octo-org/app",
       job=APP, warns=("'target-org'", "'permission'")),
    ok("caller", "a field of another name", coder() | {"ref": "x", "note": 1}, "octo-org/app", job=APP),
)  # fmt: skip

ROWS = (*SCOPE, *LEVELS, *TARGETS, *PROVENANCE, *REPORTS, *SPELLING)
