# ruff: noqa: E501 - a row stays on its line
"""The rows of trust about refs, commits, claims, ids and what only reports."""

from __future__ import annotations

from tests.contract.trust_rows import APP, MAIN, OTHER, READ, STRANGER, at, coder, no, ok

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
    no("public", "the owner's id is missing", coder(), "org_not_allowed", "The OIDC token gives no id", job=MAIN,
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
